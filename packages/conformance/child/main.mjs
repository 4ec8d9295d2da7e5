import { spawnSync } from 'node:child_process';
import { readFileSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { loadOpen } from './load-open.mjs';
import { countsOf, findMarker, hiddenMappingsOf, locateMarked, needleOf } from './memory.mjs';
import { openSystem } from './system.mjs';
import { tasks } from './tasks.mjs';

/**
 * A child that does one dangerous thing and says what came of it. Usage: main.mjs <module URL> <scene> <parameters>.
 * The module exports `open`, or has it as its default. The last line on standard output is the answer; a line that says
 * `ready` comes before whatever may kill the process, so that a death on the way there is not mistaken for the right one.
 */
const [moduleUrl = '', scene = '', json = '{}'] = process.argv.slice(2);
const parameters = JSON.parse(json);

/** @param {object} line */
function say(line) {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

/** @param {string} reason @returns {never} */
function notProven(reason) {
  say({ notProven: reason });
  process.exit(0);
}

async function system() {
  return (await openSystem()) ?? notProven('needs koffi, which is not installed');
}

/** Writes a marker without keeping it. @param {Uint8Array} target @param {import('./memory.mjs').Marker} marker */
function assemble(target, marker) {
  const { masked, mask } = needleOf(marker);
  for (let index = 0; index < masked.length; index += 1) {
    target[index] = (masked[index] ?? 0) ^ (mask[index] ?? 0);
  }
  return target;
}

/**
 * Maps a region, writes the marker at its beginning and, if asked, finds out where it is.
 * @param {import('@securemem/core/contract').MemoryBackend} backend
 * @param {number} byteLength @param {import('./memory.mjs').Marker} marker
 */
function mapMarked(backend, byteLength, marker) {
  const region = backend.map(byteLength);
  writeMarker(backend, region, marker);
  return region;
}

/** @param {import('@securemem/core/contract').MemoryBackend} backend
 *  @param {import('@securemem/core/contract').RegionId} region @param {import('./memory.mjs').Marker} marker */
function writeMarker(backend, region, marker) {
  const scratch = assemble(new Uint8Array(new ArrayBuffer(marker.mask.length / 2)), marker);
  backend.write(region, 0, scratch);
  scratch.fill(0);
}

/** @param {import('@securemem/core/contract').MemoryBackend} backend
 *  @param {import('@securemem/core/contract').RegionId} region @param {number} byteLength */
function addressOf(backend, region, byteLength) {
  writeMarker(backend, region, parameters.marker);
  const found = locateMarked('self', parameters.marker, byteLength);
  if (found !== undefined) return found;
  const before = hiddenMappingsOf('self', byteLength);
  if (before.length === 1 && before[0] !== undefined) return before[0].start;
  if (before.length === 0 || backend.capabilities.protection === 'none') {
    notProven('the region cannot be found in the memory of the process');
  }
  // Several are alike; the one that answers to protect is the region.
  backend.protect(region, 'read-only');
  const after = hiddenMappingsOf('self', byteLength);
  backend.protect(region, 'read-write');
  const changed = after.find(({ access }, index) => access !== before[index]?.access);
  return changed?.start ?? notProven('the region cannot be told from others');
}

/** Answers only under a lock limit that really binds. @param {number} limitByteLength */
async function proveConfined(limitByteLength) {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = BigInt(
    `0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? 'ffffffffffffffff'}`,
  );
  if ((effective >> 14n) & 1n) notProven('this process may lock without limit (CAP_IPC_LOCK)');
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1];
  if (Number(soft) !== limitByteLength)
    notProven(`the lock limit is ${soft}, not ${limitByteLength}`);
  const pages = limitByteLength / 4096;
  const lockable = (await openSystem())?.lockablePages(pages + 4);
  if (lockable !== undefined && lockable !== pages) {
    notProven(`${lockable} pages could be locked under a limit of ${pages}`);
  }
}

/** @type {Record<string, () => unknown>} */
const scenes = {
  /** Touches one byte under a protection. Offsets outside the region need its address, and so koffi. */
  async touch() {
    const { pages, protection, offset, access, via } = parameters;
    const backend = (await loadOpen(moduleUrl))();
    const byteLength = pages * backend.pageByteLength;
    const region = backend.map(byteLength);
    const at = offset.pages * backend.pageByteLength + offset.bytes;
    if (via === 'address') {
      const { touch } = await system();
      const start = addressOf(backend, region, byteLength);
      if (protection !== 'read-write') backend.protect(region, protection);
      say({ ready: true });
      touch(start + at, access);
    } else {
      const { bytes } = backend.openView(region, 0, byteLength);
      if (protection !== 'read-write') backend.protect(region, protection);
      say({ ready: true });
      if (access === 'write') bytes[at] = 1;
      else if (bytes[at] === undefined) throw new Error('the view has no such byte');
    }
    return 'survived';
  },

  /** Aborts with a marker in a region and a planted copy of another one in ordinary memory. */
  async core() {
    const { marker, control, protectionsBefore } = parameters;
    const backend = (await loadOpen(moduleUrl))();
    const region = mapMarked(backend, 4 * backend.pageByteLength, marker);
    for (const protection of protectionsBefore) backend.protect(region, protection);
    const planted = assemble(new Uint8Array(new ArrayBuffer(65_536)), control);
    say({ ready: planted.length > 0 });
    process.abort();
  },

  /** What a forked child finds at the beginning of a region. */
  async fork() {
    const { bytesInFork } = await system();
    const backend = (await loadOpen(moduleUrl))();
    const region = backend.map(backend.pageByteLength);
    const start = addressOf(backend, region, backend.pageByteLength);
    backend.wipe(region, 0, backend.pageByteLength);
    backend.write(region, 0, new Uint8Array(new ArrayBuffer(7)).fill(0x5a));
    say({ ready: true });
    const found = bytesInFork(start);
    if (found === undefined) return 'absent';
    return found === 0 ? 'zeroed' : found === 7 ? 'inherited' : `${found} strange bytes`;
  },

  /** Whether inspect follows the kernel when a lock or an access is lost behind the backend's back. */
  async tamper() {
    const { close, unlock } = await system();
    const backend = (await loadOpen(moduleUrl))();
    const byteLength = 2 * backend.pageByteLength;
    const region = backend.map(byteLength);
    const start = addressOf(backend, region, byteLength);
    if (start % backend.pageByteLength !== 0)
      throw new Error('a region does not begin with a page');
    const before = backend.inspect([region])[0];
    if (!(unlock(start, byteLength) && close(start, byteLength))) {
      notProven('the kernel did not let the evidence change the region');
    }
    return { before, after: backend.inspect([region])[0] };
  },

  /** What is left of a region whose thread is terminated in mid-use. */
  async terminate() {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      (async () => {
        const { loadOpen } = await import(workerData.loader);
        const backend = (await loadOpen(workerData.moduleUrl))();
        const region = backend.map(backend.pageByteLength);
        const bytes = new Uint8Array(new ArrayBuffer(workerData.masked.length));
        for (let i = 0; i < bytes.length; i += 1) bytes[i] = workerData.masked[i] ^ workerData.mask[i];
        backend.write(region, 0, bytes);
        bytes.fill(0);
        parentPort.postMessage('ready');
        for (;;) {}
      })();`;
    const { masked, mask } = needleOf(parameters.marker);
    const loader = new URL('load-open.mjs', import.meta.url).href;
    const worker = new Worker(source, {
      eval: true,
      workerData: { moduleUrl, loader, masked: [...masked], mask: [...mask] },
    });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    const during = findMarker('self', parameters.marker).length;
    await worker.terminate();
    return { during, after: findMarker('self', parameters.marker).length };
  },

  /** One of tasks.mjs, under the limits that this process was started with. */
  async task() {
    const open = await loadOpen(moduleUrl);
    const { confinedTo, name, task } = parameters;
    if (confinedTo !== undefined) await proveConfined(confinedTo);
    const libc = await openSystem();
    const run = tasks[name];
    if (run === undefined) throw new TypeError(`no task ${name}`);
    return run(open, task, {
      counts: () => countsOf('self'),
      setLockLimit: (byteLength) => {
        const soft = `--memlock=${byteLength}:`;
        const { status } = spawnSync('prlimit', ['--pid', String(process.pid), soft]);
        if (status !== 0) notProven('prlimit could not lower the lock limit');
      },
      refuse: (call, backend, region, byteLength) => {
        const start = region === undefined ? 0 : addressOf(backend, region, byteLength);
        // Guards belong to the region: a call may begin one page before it.
        const from = Math.max(0, start - backend.pageByteLength);
        if (libc === undefined) notProven('needs koffi, which is not installed');
        if (!libc.refuse(/** @type {'mlock'} */ (call), from, byteLength + 2 * (start - from))) {
          notProven('the kernel has no seccomp filter for this architecture');
        }
      },
    });
  },
};

try {
  say({ result: (await scenes[scene]?.()) ?? null });
  process.exit(0);
} catch (error) {
  say({ error: String(error) });
  process.exit(1);
}
