import { spawnSync } from 'node:child_process';
import { openSync, readSync, writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { loadOpen } from './load-open.mjs';
import {
  countsOf,
  detailedMappingsOf,
  findMarker,
  hiddenMappingsOf,
  locateMarked,
  needleOf,
  surroundingsOf,
} from './memory.mjs';
import { proveConfined } from './prove-confined.mjs';
import { openSystem } from './system.mjs';
import { levelsOf, tasks } from './tasks.mjs';

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
 * A region with the marker on each of its pages: what is true of one page may not be of the next.
 * @param {import('@securemem/core/contract').MemoryBackend} backend
 * @param {number} pages @param {import('./memory.mjs').Marker} marker
 */
function mapMarked(backend, pages, marker) {
  const region = backend.map(pages * backend.pageByteLength);
  for (let page = 0; page < pages; page += 1) {
    writeMarker(backend, region, page * backend.pageByteLength, marker);
  }
  return region;
}

/** @param {import('@securemem/core/contract').MemoryBackend} backend
 *  @param {import('@securemem/core/contract').RegionId} region @param {number} byteOffset
 *  @param {import('./memory.mjs').Marker} marker */
function writeMarker(backend, region, byteOffset, marker) {
  const scratch = assemble(new Uint8Array(new ArrayBuffer(marker.mask.length / 2)), marker);
  backend.write(region, byteOffset, scratch);
  scratch.fill(0);
}

/**
 * Where a region is. A region that does not show what was written into it is the backend's failure, not the machine's.
 * Only what the backend claims to hide may be out of sight.
 *
 * @param {import('@securemem/core/contract').MemoryBackend} backend
 * @param {import('@securemem/core/contract').RegionId} region @param {number} byteLength
 */
function addressOf(backend, region, byteLength) {
  writeMarker(backend, region, 0, parameters.marker);
  const found = locateMarked('self', parameters.marker, byteLength);
  if (found !== undefined) return found;
  if (!backend.capabilities.kernelHidden) {
    throw new Error('what was written into a region is nowhere in the memory of the process');
  }
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

/** Numbers that are close to something that is mapped, far above all byte counts. @param {number} value */
function isAddress(value) {
  const reach = 2 ** 30;
  return detailedMappingsOf('self').some(
    ({ start, end }) => start > 2 ** 40 && start - reach <= value && value < end + reach,
  );
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

  /**
   * Aborts with a marker on each page of a region at every level of protection, of one that was closed and opened again, and
   * a planted copy of another marker in ordinary memory. Without a backend, where only the second is asked for.
   */
  async core() {
    const { marker, control, withBackend } = parameters;
    if (withBackend) {
      const backend = (await loadOpen(moduleUrl))();
      const levels = levelsOf(backend.capabilities);
      /** @type {import('@securemem/core/contract').Protection[][]} */
      const walks = [[], ...levels.map((level) => [level]), [...levels, 'read-write']];
      for (const steps of walks) {
        const region = mapMarked(backend, 3, marker);
        for (const level of steps) backend.protect(region, level);
      }
    }
    const planted = assemble(new Uint8Array(new ArrayBuffer(65_536)), control);
    say({ ready: planted.length > 0 });
    process.abort();
  },

  /** What a forked child finds on each page of a new region, and of one that was closed and opened again. */
  async fork() {
    const { bytesInFork } = await system();
    const backend = (await loadOpen(moduleUrl))();
    const { pageByteLength } = backend;
    const pages = 3;
    /** @param {readonly string[]} levels */
    const look = (levels) => {
      const region = backend.map(pages * pageByteLength);
      const start = addressOf(backend, region, pages * pageByteLength);
      backend.wipe(region, 0, pages * pageByteLength);
      for (const level of levels) backend.protect(region, /** @type {'read-write'} */ (level));
      return Array.from({ length: pages }, (_, page) => {
        const filled = new Uint8Array(new ArrayBuffer(7)).fill(0x5a);
        backend.write(region, page * pageByteLength, filled);
        const found = bytesInFork(start + page * pageByteLength);
        if (found === undefined) return 'absent';
        return found === 0 ? 'zeroed' : found === 7 ? 'inherited' : `${found} strange bytes`;
      });
    };
    const levels = levelsOf(backend.capabilities);
    return [...look([]), ...(levels.length === 0 ? [] : look([...levels, 'read-write']))];
  },

  /** Whether inspect follows the kernel when something is lost behind the backend's back, one thing after another. */
  async tamper() {
    const libc = await system();
    const backend = (await loadOpen(moduleUrl))();
    const { pageByteLength } = backend;
    const byteLength = 2 * pageByteLength;
    const region = backend.map(byteLength);
    const start = addressOf(backend, region, byteLength);
    if (start % pageByteLength !== 0) throw new Error('a region does not begin with a page');
    const answer = () => backend.inspect([region])[0];
    const last = start + pageByteLength;
    /** @type {Record<string, unknown>} */
    const answers = { before: answer() };
    /** @param {string} what @param {boolean} done */
    const then = (what, done) => {
      if (!done) notProven(`the kernel did not let the evidence change the region: ${what}`);
      answers[what] = answer();
    };
    const { kernelHidden, dumpExclusion, forkBehaviour, guardPages } = backend.capabilities;
    if (!kernelHidden) {
      then('unlockedLastPage', libc.unlock(last, pageByteLength));
      then('unlocked', libc.unlock(start, byteLength));
      if (dumpExclusion) then('inDumps', libc.advise(last, pageByteLength, 'dump'));
      if (forkBehaviour === 'absent') then('inChildren', libc.advise(last, pageByteLength, 'fork'));
    }
    // A guard that is no mapping of its own cannot be opened, and needs no note to be true.
    if (guardPages && libc.open(start + byteLength, pageByteLength)) then('unguarded', true);
    then('closed', libc.close(start, byteLength));
    return answers;
  },

  /** What opening and disposing of a backend changes about the process, beside the memory that it loads. */
  async opening() {
    const libc = await openSystem();
    const counted = () => ({
      ...surroundingsOf('self'),
      ...(libc === undefined ? {} : { 'whether core files may be written': libc.dumpable() }),
      'the listeners of the process': process.eventNames().map(String).sort().join(' '),
      'the number of listeners': process
        .eventNames()
        .reduce((sum, name) => sum + process.listenerCount(name), 0),
      'the environment': Object.keys(process.env).sort().join(' '),
      'the working directory': process.cwd(),
    });
    const before = /** @type {Record<string, unknown>} */ (counted());
    const backend = (await loadOpen(moduleUrl))();
    const open = /** @type {Record<string, unknown>} */ (counted());
    backend[Symbol.dispose]();
    const after = /** @type {Record<string, unknown>} */ (counted());
    return Object.keys(before).filter(
      (name) => before[name] !== open[name] || before[name] !== after[name],
    );
  },

  /** What is left of a region whose thread is terminated in mid-use. */
  async terminate() {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      (async () => {
        const { loadOpen } = await import(workerData.loader);
        const backend = (await loadOpen(workerData.moduleUrl))();
        const { levelsOf } = await import(workerData.tasks);
        const bytes = new Uint8Array(new ArrayBuffer(workerData.masked.length));
        for (let i = 0; i < bytes.length; i += 1) bytes[i] = workerData.masked[i] ^ workerData.mask[i];
        for (const level of ['read-write', ...levelsOf(backend.capabilities)]) {
          const region = backend.map(3 * backend.pageByteLength);
          for (let page = 0; page < 3; page += 1) backend.write(region, page * backend.pageByteLength, bytes);
          if (level !== 'read-write') backend.protect(region, level);
        }
        bytes.fill(0);
        parentPort.postMessage('ready');
        for (;;) {}
      })();`;
    const { masked, mask } = needleOf(parameters.marker);
    const loader = new URL('load-open.mjs', import.meta.url).href;
    const tasks = new URL('tasks.mjs', import.meta.url).href;
    const worker = new Worker(source, {
      eval: true,
      workerData: { moduleUrl, loader, tasks, masked: [...masked], mask: [...mask] },
    });
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    const during = findMarker('self', parameters.marker).length;
    await worker.terminate();
    return { during, after: findMarker('self', parameters.marker).length };
  },

  /** A secret that this process was given in a variable, before and after it is moved into a region. */
  async variable() {
    const { marker, name } = parameters;
    const backend = (await loadOpen(moduleUrl))();
    const region = backend.map(backend.pageByteLength);
    const before = findMarker('self', marker).length;
    const byteLengthBefore = backend.environmentByteLength(name);
    const target = { region, byteOffset: 8, byteLength: byteLengthBefore ?? 0 };
    const { places } = backend.takeEnvironment(name, target);
    const byteLengthAfter = backend.environmentByteLength(name) ?? undefined;
    const inside = backend.capabilities.kernelHidden ? 0 : 1;
    const after = findMarker('self', marker).length - inside;
    const value = new Uint8Array(new ArrayBuffer(target.byteLength));
    const block = new Uint8Array(new ArrayBuffer(1_048_576));
    const descriptor = openSync('/proc/self/environ', 'r');
    readSync(descriptor, block, 0, block.length, null);
    backend.read(region, 8, value);
    const { masked, mask } = needleOf(marker);
    /** @param {Uint8Array} bytes @param {number} at */
    const isHere = (bytes, at) =>
      masked.every((byte, index) => bytes[at + index] === (byte ^ (mask[index] ?? 0)));
    const shown = block.some((_, at) => isHere(block, at));
    const inRegion = value.length === masked.length && isHere(value, 0);
    const neighboursKept =
      process.env[`${name}_2`] === 'kept' && process.env[`THE_${name}`] === 'kept';
    return {
      before,
      after,
      inRegion,
      shown,
      byteLengthBefore,
      byteLengthAfter,
      neighboursKept,
      places,
    };
  },

  /** One of tasks.mjs, under the limits that this process was started with. */
  async task() {
    const { confinedTo, name, task } = parameters;
    // Before the backend is loaded: what it changes about the limit is its own doing, and no lack of this machine.
    if (confinedTo !== undefined) await proveConfined(confinedTo, notProven);
    const open = await loadOpen(moduleUrl);
    const libc = await openSystem();
    const run = tasks[name];
    if (run === undefined) throw new TypeError(`no task ${name}`);
    return run(open, task, {
      counts: () => countsOf('self'),
      looksLikeAddress: (value) => isAddress(value),
      setVariable: (variable, value) => {
        process.env[variable] = value;
      },
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
