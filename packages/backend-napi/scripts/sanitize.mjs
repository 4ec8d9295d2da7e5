#!/usr/bin/env node
// Runs the native code under the sanitizers, and fails on any report:
//
//   sanitize.mjs [--only addon|ranges] [--seconds 60]
//
// addon: the conformance suite and a churn of views, threads and ciphers against a build with AddressSanitizer,
// UndefinedBehaviorSanitizer and LeakSanitizer. Of leaks those count that our own code allocated; what Node itself never frees
// is not ours to judge.
// ranges: the harness without Node, 32 threads under a lock limit of 64 KiB, for each kind of page so many seconds under
// ThreadSanitizer and as many under AddressSanitizer.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { confine, proveConfinement } from '@securemem/confined';
import { buildRangesHarness } from '../test/native/ranges-harness.mjs';

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, seconds: { type: 'string', default: '60' } },
});
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'securemem-sanitize-'));
const log = join(folder, 'report');

const CHURN = `
import { Worker, isMainThread } from 'node:worker_threads';
import { napiBackend } from ${JSON.stringify(join(ROOT, 'dist', 'index.js'))};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const bytes = (length) => new Uint8Array(new ArrayBuffer(length));
// Views that were dropped rather than closed keep their region until they are collected.
async function unmapOnceUnused(backend, region) {
  for (let tries = 0; ; tries++) {
    try { return backend.unmap(region); } catch (error) {
      if (error.code !== 'ERR_SECMEM_IN_USE' || tries === 1000) throw error;
    }
    globalThis.gc(); await turn();
  }
}
for (const kernelHidden of ['prefer', 'off']) {
  const backend = napiBackend({ kernelHidden });
  const regions = Array.from({ length: 40 }, () => backend.map(8192));
  for (let i = 0; i < 20_000; i++) {
    const view = backend.openView(regions[i % 40], i % 4096, 1 + (i % 4096));
    view.bytes[0] = i;
    if (i % 3 !== 0) view.close();
    if (i % 500 === 0) { await turn(); globalThis.gc(); }
  }
  const range = (region, byteOffset, byteLength) => ({ region, byteOffset, byteLength });
  for (let length = 0; length < 600; length++) {
    const sealed = bytes(length + 16);
    backend.seal(range(regions[0], 8160, 32), bytes(12), bytes(length % 50), range(regions[1], 3, length), sealed);
    backend.unseal(range(regions[0], 8160, 32), bytes(12), bytes(length % 50), sealed, range(regions[1], 8192 - length, length));
  }
  for (const region of regions.slice(5)) await unmapOnceUnused(backend, region);
  backend.inspect(regions.slice(0, 5));
  const escaped = backend.openView(regions[0], 0, 16);
  if (ArrayBuffer.prototype.transfer) globalThis.alias = escaped.bytes.buffer.transfer();
  escaped.close();
  if (kernelHidden === 'off') backend[Symbol.dispose]();
}
if (isMainThread) {
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => i % 2 ? worker.on('exit', resolve) : setTimeout(() => worker.terminate().then(resolve), 300));
  }
}
`;

const SUITE = `
import { noEvidence, renderReport, runConformance } from '@securemem/conformance';
const module = new URL(${JSON.stringify(`file://${join(ROOT, 'test', 'conformance-backend.mjs')}`)});
const { open } = await import(module);
// Searching the shadow memory of the sanitizer for a marker would take hours, and the other tests do it without.
const evidence = noEvidence('the suite runs under sanitizers');
const report = await runConformance({ open, module, evidence });
process.stdout.write(renderReport(report) + '\\n');
process.exitCode = report.failed === 0 ? 0 : 1;
`;

function sanitized(file, source) {
  const path = join(ROOT, 'build', file);
  writeFileSync(path, source);
  const { status, signal } = spawnSync(process.execPath, ['--expose-gc', path], {
    stdio: 'inherit',
    timeout: 300_000,
    env: {
      ...process.env,
      LD_PRELOAD: spawnSync('gcc', ['-print-file-name=libasan.so'], {
        encoding: 'utf8',
      }).stdout.trim(),
      '@SECUREMEM/NAPI_PREBUILD': join(ROOT, 'build', 'sanitize'),
      // Children of the suite must die by SIGSEGV rather than by a report of it.
      ASAN_OPTIONS: `log_path=${log},handle_segv=0,handle_abort=0,detect_leaks=1,exitcode=0,detect_odr_violation=0`,
      UBSAN_OPTIONS: `log_path=${log},print_stacktrace=1`,
      LSAN_OPTIONS: 'report_objects=0',
    },
  });
  rmSync(path);
  return status === 0 ? [] : [`${file} ended with ${status ?? signal}`];
}

/** Reports of anything but leaks, and leaks with a frame of ours. */
function problems() {
  const found = [];
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const part of text.split(/\n\n/)) {
      const ours = /securemem\.node|backend-napi\/native/.test(part);
      if (/ERROR: AddressSanitizer|runtime error/.test(part) || (ours && /leak of/.test(part))) {
        found.push(part);
      }
    }
  }
  return found;
}

/** What was found in the addon; throws where it cannot be built. */
function addon() {
  const script = join(ROOT, 'scripts', 'build-native.mjs');
  const build = spawnSync(process.execPath, [script, '--sanitize'], { stdio: 'inherit' });
  if (build.status !== 0) throw new Error('the addon was not built');
  return [...sanitized('churn.mjs', CHURN), ...sanitized('suite.mjs', SUITE), ...problems()];
}

/** What was found in the harness of C1. Without the confinement it would find nothing, so that is shown first. */
function ranges() {
  const limit = { memlockByteLength: 65_536, as: /** @type {const} */ ('root') };
  const proof = proveConfinement(limit);
  if (proof.proven === false) throw new Error(`the lock limit is not proved: ${proof.reason}`);
  const found = [];
  for (const sanitizers of ['thread', 'address,undefined']) {
    const flags = [`-fsanitize=${sanitizers}`, '-fno-omit-frame-pointer'];
    const harness = buildRangesHarness(sanitizers, flags);
    if ('reason' in harness) throw new Error(harness.reason);
    for (const kind of ['hidden', 'locked']) {
      const line = confine(harness.path, [options.seconds, '32', kind], limit);
      const { status, signal } = spawnSync(line.command, line.args, { stdio: 'inherit' });
      if (status === 3) process.stdout.write(`sanitize: no ${kind} pages here, NOT PROVEN\n`);
      else if (status !== 0)
        found.push(`${kind} under ${sanitizers} ended with ${status ?? signal}`);
    }
  }
  return found;
}

const parts = { addon, ranges };
if (options.only !== undefined && !(options.only in parts)) {
  throw new TypeError(`--only takes ${Object.keys(parts).join(' or ')}`);
}
const failed = Object.entries(parts)
  .filter(([name]) => options.only === undefined || options.only === name)
  .flatMap(([, run]) => run());
rmSync(folder, { recursive: true, force: true });
for (const problem of failed) process.stdout.write(`${problem}\n`);
process.stdout.write(
  failed.length === 0 ? 'sanitize: clean\n' : `sanitize: ${failed.length} problems\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
