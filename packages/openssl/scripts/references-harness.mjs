// Builds the harness of references for this machine: a program of its own, without Node.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildHarness } from '../../backend-napi/scripts/harness.mjs';
import { NATIVE as OF_NAPI, RSA, WITHOUT_NODE } from '../../backend-napi/scripts/targets.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const NATIVE = join(ROOT, 'native');
const TESTS = join(ROOT, 'test', 'native');

/** What needs Node, or an OpenSSL that is in the executable. */
const LEFT_OUT = ['addon.cc', 'provider_functions.cc'];

/** Flags by which the order of locks is looked at. It orders threads by itself, so the sanitizer of threads does without. */
export const WATCHING = ['-DSECUREMEM_LOCK_WATCH'];

/**
 * @param {string} name of the program, in build/harness/
 * @param {readonly string[]} flags of the compiler, such as `-fsanitize=thread`
 * @returns {{ path: string } | { reason: string }} the program, or why there is none
 */
export function buildReferencesHarness(name, flags) {
  const own = readdirSync(NATIVE).filter(
    (file) => file.endsWith('.cc') && !LEFT_OUT.includes(file),
  );
  const watched = flags.includes(/** @type {string} */ (WATCHING[0]));
  const tests = ['references_harness.cc', 'slot.cc', 'libcrypto.cc'];
  const sources = [
    ...[...WITHOUT_NODE, ...RSA].map((file) => join(OF_NAPI, file)),
    ...own.map((file) => join(NATIVE, file)),
    ...[...tests, ...(watched ? ['lock_watch.cc'] : [])].map((file) => join(TESTS, file)),
  ];
  const includes = [TESTS, NATIVE, OF_NAPI].map((folder) => `-I${folder}`);
  return buildHarness(ROOT, name, sources, [...includes, ...flags]);
}
