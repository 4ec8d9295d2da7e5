import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { root } from '@securemem/launch/workspace';
import { packPackages } from '@securemem/runtimes';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** Entry points that are started as processes and never imported, so that no importer has to resolve them. */
const programs = ['./child'];

const directory = join(root, '.cache/packed');

/** Packs what would be published and lets publint and attw look at the tarballs: a check of the tree would miss what
 *  `files` leaves out. Returns one line for each problem. */
export async function packedProblems() {
  packPackages(directory, ['./packages/*']);
  const tarballs = readdirSync(directory).sort();
  const problems = await Promise.all(tarballs.map((name) => problemsOf(name)));
  return problems.flat();
}

/** @param {string} name */
async function problemsOf(name) {
  const bytes = new Uint8Array(readFileSync(join(directory, name)));
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  const { problems } = /** @type {import('@arethetypeswrong/core').Analysis} */ (
    await checkPackage(createPackageFromTarballData(bytes), { excludeEntrypoints: programs })
  );
  return [
    ...messages.map((message) => `publint: ${pkg.name}: ${formatMessage(message, pkg)}`),
    ...(problems ?? []).map((problem) => `attw: ${pkg.name}: ${JSON.stringify(problem)}`),
  ];
}
