#!/usr/bin/env node
// Runs the conformance suite and a churn of views, threads and ciphers against a build with AddressSanitizer,
// UndefinedBehaviorSanitizer and LeakSanitizer. Fails on any report, and on any leak that our own code allocated; what Node
// itself never frees is not ours to judge.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'securemem-sanitize-'));
const log = join(folder, 'report');

const CHURN = `
import { Worker, isMainThread } from 'node:worker_threads';
import { napiBackend } from ${JSON.stringify(join(ROOT, 'dist', 'index.js'))};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const bytes = (length) => new Uint8Array(new ArrayBuffer(length));
for (const kernelHidden of ['prefer', 'off']) {
  const backend = napiBackend({ kernelHidden });
  const regions = Array.from({ length: 40 }, () => backend.map(8192));
  for (let i = 0; i < 20_000; i++) {
    const view = backend.openView(regions[i % 40], i % 4096, 1 + (i % 4096));
    view.bytes[0] = i;
    if (i % 3 !== 0) view.close();
    if (i % 500 === 0) { await turn(); globalThis.gc?.(); }
  }
  const range = (region, byteOffset, byteLength) => ({ region, byteOffset, byteLength });
  for (let length = 0; length < 600; length++) {
    const sealed = bytes(length + 16);
    backend.seal(range(regions[0], 8160, 32), bytes(12), bytes(length % 50), range(regions[1], 3, length), sealed);
    backend.unseal(range(regions[0], 8160, 32), bytes(12), bytes(length % 50), sealed, range(regions[1], 8192 - length, length));
  }
  for (const region of regions.slice(5)) backend.unmap(region);
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

const build = spawnSync(
  process.execPath,
  [join(ROOT, 'scripts', 'build-native.mjs'), '--sanitize'],
  {
    stdio: 'inherit',
  },
);
if (build.status !== 0) process.exit(1);
const failed = [...sanitized('churn.mjs', CHURN), ...sanitized('suite.mjs', SUITE), ...problems()];
rmSync(folder, { recursive: true, force: true });
for (const problem of failed) process.stdout.write(`${problem}\n`);
process.stdout.write(
  failed.length === 0 ? 'sanitize: clean\n' : `sanitize: ${failed.length} problems\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
