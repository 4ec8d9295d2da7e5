#!/usr/bin/env node
// Runs the native code under the sanitizers, and fails on any report:
//
//   sanitize.mjs [--only addon|ranges|gate|references] [--seconds 60] [--signatures 100000]
//
// addon: the conformance suite and a churn of views, threads and ciphers against a build with AddressSanitizer,
// UndefinedBehaviorSanitizer and LeakSanitizer. Of leaks those count that our own code allocated; what Node itself never frees
// is not ours to judge.
// ranges: the harness without Node, 32 threads under a lock limit of 64 KiB, for each kind of page so many seconds under
// ThreadSanitizer and as many under AddressSanitizer.
// gate: threads that read a key while its own thread changes it, so many seconds under ThreadSanitizer.
// references: eight threads that sign with references of @securemem/openssl which end meanwhile, so many signatures under each.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { confine, proveConfinement } from '@securemem/confined';
import { buildReferencesHarness } from '../../openssl/scripts/references-harness.mjs';
import { buildGateHarness, buildRangesHarness } from '../test/native/ranges-harness.mjs';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    signatures: { type: 'string', default: '100000' },
  },
});
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'securemem-sanitize-'));
const log = join(folder, 'report');

const CHURN = `
import { generateKeyPairSync } from 'node:crypto';
import { Worker, isMainThread } from 'node:worker_threads';
import { napiBackend } from ${JSON.stringify(join(ROOT, 'dist', 'index.js'))};
const turn = () => new Promise((resolve) => setImmediate(resolve));
const bytes = (length) => new Uint8Array(new ArrayBuffer(length));
const range = (region, byteOffset, byteLength) => ({ region, byteOffset, byteLength });
// Views that were dropped rather than closed keep their region until they are collected.
async function unmapOnceUnused(backend, region) {
  for (let tries = 0; ; tries++) {
    try { return backend.unmap(region); } catch (error) {
      if (error.code !== 'ERR_SECMEM_IN_USE' || tries === 1000) throw error;
    }
    globalThis.gc(); await turn();
  }
}
const der = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs1', format: 'der' });
// In a function of its own: what one that goes on later has had in its hands is not garbage.
async function churnViews(backend, regions) {
  for (let i = 0; i < 20_000; i++) {
    const view = backend.openView(regions[i % 40], i % 4096, 1 + (i % 4096));
    view.bytes[0] = i;
    if (i % 3 !== 0) view.close();
    if (i % 500 === 0) { await turn(); globalThis.gc(); }
  }
}
// Every use of every kind of key, and signatures on other threads whose key goes, in one way or another, before or after they begin.
async function useKeys(backend) {
  const secrets = backend.map(4096);
  for (let round = 0; round < 40; round++) {
    const region = backend.map(4096);
    const put = (source) => {
      const key = bytes(source.length);
      key.set(source);
      backend.write(region, 4096 - key.length, key);
      return range(region, 4096 - key.length, key.length);
    };
    const attempt = (run) => { try { run(); } catch (error) { if (!/KEY_INVALID|PEER_INVALID/.test(error.code)) throw error; } };
    const filled = (length) => bytes(length).fill(round);
    for (const [type, length, room, signing, digest, target, agreement] of [
      ['Ed25519', 32, 32, 'Ed25519', 33, 64], ['X25519', 32, 32, undefined, 0, 0, 'X25519'],
      ['P-256', 32, 65, 'ES256', 32, 64, 'ECDH-P-256'], ['P-384', 48, 97, 'ES384', 48, 96, 'ECDH-P-384'],
      ['P-521', 66, 133, 'ES512', 64, 132, 'ECDH-P-521'], ['secp256k1', 32, 65, 'ES256K-R', 32, 65, 'ECDH-secp256k1'],
    ]) {
      const key = put(type === 'P-521' ? filled(length).fill(0, 0, 2) : filled(length));
      const point = bytes(room);
      attempt(() => backend.publicKey(type, key, point));
      if (signing) attempt(() => backend.sign(signing, key, filled(digest), bytes(target)));
      const secret = range(secrets, 4096 - length, length);
      if (agreement) { attempt(() => backend.agree(agreement, key, point, secret)); attempt(() => backend.agree(agreement, key, filled(room), secret)); }
    }
    const key = put(der);
    backend.publicKey('RSA', key, bytes(140));
    backend.sign('PS256', key, filled(32), bytes(128));
    backend.protect(region, 'no-access');
    const pending = Array.from({ length: 6 }, () => backend.signLater('RS256', key, filled(32)));
    const settled = Promise.allSettled(pending.map(({ signature }) => signature));
    for (let i = 0; i < round % 3; i++) await turn();
    if (round % 4 === 0) backend.write(region, 4000, filled(96));
    if (round % 4 === 1) pending.forEach((one) => one.revoke());
    if (round % 4 === 2) await settled;
    backend.unmap(region);
    await settled;
  }
  backend.unmap(secrets);
}
for (const kernelHidden of ['prefer', 'off']) {
  const backend = napiBackend({ kernelHidden });
  const regions = Array.from({ length: 40 }, () => backend.map(8192));
  await churnViews(backend, regions);
  for (let length = 0; length < 600; length++) {
    const sealed = bytes(length + 16);
    backend.seal(range(regions[0], 8160, 32), bytes(12), bytes(length % 50), range(regions[1], 3, length), sealed);
    backend.unseal(range(regions[0], 8160, 32), bytes(12), bytes(length % 50), sealed, range(regions[1], 8192 - length, length));
  }
  await useKeys(backend);
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

/** What OpenSSL makes once for each thread, whoever calls it first there: the queue of errors and the random generators. */
const PER_THREAD = /leak of[\s\S]* in (ERR_set_mark|RAND_get0_(public|private)) /;

/** Reports of anything but leaks, and leaks with a frame of ours. */
function problems() {
  const found = [];
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const part of text.split(/\n\n/)) {
      if (PER_THREAD.test(part)) continue;
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

/** What was found in the gate. A thread that takes no turn comes first: were it not found out, neither would ours be. */
function gate() {
  const harness = buildGateHarness('gate', ['-fsanitize=thread', '-fno-omit-frame-pointer']);
  if ('reason' in harness) throw new Error(harness.reason);
  const run = (/** @type {string} */ seconds, /** @type {string} */ how) =>
    spawnSync(harness.path, [seconds, how], { encoding: 'utf8' });
  const hasty = run('2', 'hasty');
  if (!hasty.stderr.includes('data race'))
    throw new Error('the sanitizer sees no race where one is');
  const { status, stdout, stderr } = run(options.seconds, 'orderly');
  process.stdout.write(`gate: ${stdout}`);
  return status === 0 && stderr === '' ? [] : [`the gate ended with ${status}: ${stderr}`];
}

/**
 * What was found in references. OpenSSL itself is not instrumented, so what it does to memory of its own is left out. An end that does not
 * wait comes first: were it not found out, neither would ours be.
 */
function references() {
  const found = [];
  for (const sanitizers of ['thread', 'address,undefined']) {
    const flags = [`-fsanitize=${sanitizers}`, '-fno-omit-frame-pointer'];
    const harness = buildReferencesHarness(sanitizers, flags);
    if ('reason' in harness) throw new Error(harness.reason);
    const run = (/** @type {string[]} */ ...args) =>
      spawnSync(harness.path, ['signatures', ...args], {
        encoding: 'utf8',
        env: { ...process.env, TSAN_OPTIONS: 'ignore_noninstrumented_modules=1' },
      });
    const hasty = run('100000', '8', 'hasty');
    if (hasty.status === 0) throw new Error('an end that does not wait is not found out');
    const { status, stdout, stderr } = run(options.signatures, '8');
    if (status === 3) throw new Error('no libcrypto.so.3 (Debian: libssl3)');
    process.stdout.write(`references under ${sanitizers}: ${stdout}`);
    if (status !== 0 || stderr !== '')
      found.push(`references under ${sanitizers} ended with ${status}: ${stderr}`);
  }
  return found;
}

const parts = { addon, ranges, gate, references };
if (options.only !== undefined && !(options.only in parts)) {
  throw new TypeError(`--only takes ${Object.keys(parts).join(', ')}`);
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
