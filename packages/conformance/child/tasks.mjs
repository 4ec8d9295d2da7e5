/**
 * What runs under conditions that a test process cannot have: a lock limit that binds, a system call that is refused, no
 * mapping left. Each task gets `open` and some tools, and answers with plain data that a requirement judges. The same
 * tasks run in a child under the real kernel and in place on a simulated one.
 *
 * @typedef {import('@securemem/core/contract').MemoryBackend} MemoryBackend
 * @typedef {import('@securemem/core/contract').RegionId} RegionId
 * @typedef {{ lockedByteLength: number, mappings: number, descriptors: number }} Counts
 * @typedef {{
 *   counts(): Counts,
 *   setLockLimit(byteLength: number): void,
 *   refuse(call: string, backend: MemoryBackend, region: RegionId | undefined, byteLength: number): void,
 * }} Tools
 */
import { runModel } from './model.mjs';

/** Enough to pass 64 KiB with room, few enough to end soon where nothing binds. */
const pagesMax = 40;
/** Failures in a row, so that what each leaves behind stands out from what the engine itself does. */
const attemptsInVain = 50;

/** An error as plain data. @param {unknown} error */
export function describeError(error) {
  if (error === undefined) return undefined;
  const e = /** @type {any} */ (error);
  const { code, kind, operation, backend, syscall, errno, details } = e ?? {};
  const branded = typeof e === 'object' && e !== null && e[Symbol.for('securemem.error')] === true;
  return {
    branded,
    name: e?.name,
    message: String(e?.message ?? e),
    code,
    kind,
    operation,
    backend,
    syscall,
    errno,
    details,
  };
}

/** @param {() => unknown} run */
export function errorOf(run) {
  try {
    run();
  } catch (error) {
    return describeError(error);
  }
  return undefined;
}

/** @type {Record<string, (open: () => MemoryBackend, parameters: any, tools: Tools) => any>} */
export const tasks = {
  /** Maps regions of `pages` pages until the limit bites, tries in vain some more, releases one and tries again. */
  fillLockLimit(open, { pages = 1 }, tools) {
    const backend = open();
    const byteLength = pages * backend.pageByteLength;
    const limit = backend.lockLimit();
    const { regions, error } = mapUntilRefused(backend, byteLength, pagesMax);
    const before = tools.counts();
    for (let attempt = 0; error !== undefined && attempt < attemptsInVain; attempt += 1) {
      errorOf(() => backend.map(byteLength));
    }
    const after = tools.counts();
    const mappedPages = regions.length * pages;
    const released = regions.pop();
    if (released !== undefined) backend.unmap(released);
    const errorAfterRelease = errorOf(() => regions.push(backend.map(byteLength)));
    const stillThere = regions.every(
      (region) => errorOf(() => backend.wipe(region, 0, 1)) === undefined,
    );
    backend[Symbol.dispose]();
    const { pageByteLength } = backend;
    return {
      limit,
      pageByteLength,
      mappedPages,
      error,
      before,
      after,
      errorAfterRelease,
      stillThere,
    };
  },

  /** One map at a limit of nothing. */
  mapOnce(open, { byteLength }, tools) {
    const backend = open();
    const before = tools.counts();
    const error = errorOf(() => backend.map(byteLength ?? backend.pageByteLength));
    const after = tools.counts();
    return { limit: backend.lockLimit(), error, before, after };
  },

  /** What lockLimit answers before and after the limit is lowered from outside. */
  followLockLimit(open, { loweredByteLength }, tools) {
    const backend = open();
    const first = backend.lockLimit();
    tools.setLockLimit(loweredByteLength);
    return { first, second: backend.lockLimit() };
  },

  /** Raises the limit within the hard one, asks for less, and asks for too much. */
  raiseLockLimit(open, { within, beyond }) {
    const backend = open();
    const raised = backend.raiseLockLimit(within);
    const inForce = backend.lockLimit();
    const less = backend.raiseLockLimit(within / 2);
    const error = errorOf(() => backend.raiseLockLimit(beyond));
    return { raised, inForce, less, error, after: backend.lockLimit() };
  },

  /** Maps single pages until the process has no mapping left; then protects and releases there. */
  exhaustMappings(open, { regionsMax }, tools) {
    const backend = open();
    const start = tools.counts();
    const survivor = backend.map(backend.pageByteLength);
    const { regions, error } = mapUntilRefused(backend, backend.pageByteLength, regionsMax);
    const protectError =
      backend.capabilities.protection === 'none'
        ? undefined
        : errorOf(() => backend.protect(survivor, 'read-only'));
    const mapped = regions.length + 1;
    // One by one and without another array: the engine has no mapping left for its own memory, and would die of that.
    let unmapError = errorOf(() => backend.unmap(survivor));
    for (let region = regions.pop(); region !== undefined; region = regions.pop()) {
      const last = region;
      const found = errorOf(() => backend.unmap(last));
      unmapError ??= found;
    }
    const end = tools.counts();
    const limit = backend.lockLimit();
    backend[Symbol.dispose]();
    return {
      limit,
      mappedByteLength: mapped * backend.pageByteLength,
      mapped,
      error,
      protectError,
      unmapError,
      start,
      end,
    };
  },

  /** The kernel refuses a system call from now on; map must fail and leave nothing. */
  mapRefused(open, { call }, tools) {
    const backend = open();
    const kept = backend.map(backend.pageByteLength);
    backend.write(kept, 0, oneByte(7));
    tools.refuse(call, backend, undefined, 0);
    const error = errorOf(() => backend.map(2 * backend.pageByteLength));
    const before = tools.counts();
    for (let attempt = 0; attempt < attemptsInVain; attempt += 1) {
      errorOf(() => backend.map(2 * backend.pageByteLength));
    }
    const after = tools.counts();
    const target = oneByte(0);
    backend.read(kept, 0, target);
    return { error, before, after, keptByte: target[0] };
  },

  /** The kernel refuses to change the protection of a region. */
  protectRefused(open, _parameters, tools) {
    const backend = open();
    const region = backend.map(backend.pageByteLength);
    tools.refuse('mprotect', backend, region, backend.pageByteLength);
    backend.write(region, 0, oneByte(7));
    const error = errorOf(() => backend.protect(region, 'read-only'));
    const [facts] = backend.inspect([region]);
    const target = oneByte(0);
    const readError = errorOf(() => backend.read(region, 0, target));
    return { error, facts, byte: target[0], readError };
  },

  /** The kernel refuses to give a region back: the bytes must be gone all the same, and the id must live on. */
  unmapRefused(open, { byteLength }, tools) {
    const backend = open();
    const length = byteLength ?? backend.pageByteLength;
    const region = backend.map(length);
    const bytes = new Uint8Array(new ArrayBuffer(length)).fill(0x5a);
    backend.write(region, 0, bytes);
    tools.refuse('munmap', backend, region, length);
    const error = errorOf(() => backend.unmap(region));
    const readError = errorOf(() => backend.read(region, 0, bytes));
    return { error, readError, firstLeft: bytes.findIndex((byte) => byte !== 0) };
  },

  /** Random sequences of operations against a model; see model.mjs. */
  model: (open, parameters) => runModel(open, parameters),
};

/** @param {number} value */
function oneByte(value) {
  return new Uint8Array(new ArrayBuffer(1)).fill(value);
}

/** @param {MemoryBackend} backend @param {number} byteLength @param {number} regionsMax */
function mapUntilRefused(backend, byteLength, regionsMax) {
  /** @type {RegionId[]} */
  const regions = [];
  const error = errorOf(() => {
    while (regions.length < regionsMax) regions.push(backend.map(byteLength));
  });
  return { regions, error };
}
