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
 *   looksLikeAddress(value: number): boolean,
 *   setLockLimit(byteLength: number): void,
 *   setVariable(name: string, value: string): void,
 *   refuse(call: string, backend: MemoryBackend, region: RegionId | undefined, byteLength: number): void,
 * }} Tools
 */
import { runModel } from './model.mjs';

/** Enough to pass 64 KiB with room, few enough to end soon where nothing binds. */
const pagesMax = 40;
/** Failures in a row, so that what each leaves behind stands out from what the engine itself does. */
const attemptsInVain = 50;

/** The levels that close a region, strongest first, as far as a backend offers them.
 *  @param {{ readonly protection: 'no-access' | 'read-only' | 'none' }} capabilities @returns {('no-access' | 'read-only')[]} */
export function levelsOf({ protection }) {
  if (protection === 'none') return [];
  return protection === 'no-access' ? ['no-access', 'read-only'] : ['read-only'];
}

/** An error as plain data, with all that it says in any field. @param {unknown} error */
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
    words: wordsOf(error),
  };
}

/**
 * Every name and value that can be reached from an error: fields that nobody asked for, causes and what hangs on them.
 * The stack tells files and lines only, after the message. @param {unknown} value @param {Set<unknown>} [seen] @returns {string}
 */
export function wordsOf(value, seen = new Set()) {
  if (typeof value !== 'object' || value === null) return String(value);
  if (seen.has(value)) return '';
  seen.add(value);
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  }
  return Reflect.ownKeys(value)
    .filter((name) => name !== 'stack')
    .map((name) => `${String(name)} ${wordsOf(Reflect.get(value, name), seen)}`)
    .join(' ');
}

/** The addresses that an error tells. @param {ReturnType<typeof describeError>} error @param {Tools} tools */
function addressesIn(error, tools) {
  return numbersIn(error?.words ?? '').filter((value) => tools.looksLikeAddress(value));
}

/** All numbers in a text that could be addresses, written in any way. @param {string} text @returns {number[]} */
export function numbersIn(text) {
  const found = text.match(/(?:0x)?[0-9a-f]{5,16}(?![0-9a-z])/gi) ?? [];
  return found.flatMap((digits) => {
    const plain = digits.replace(/^0x/i, '');
    return [Number.parseInt(plain, 16), Number(plain)].filter(Number.isSafeInteger);
  });
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
    const addresses = addressesIn(error, tools);
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
      addresses,
      before,
      after,
      errorAfterRelease,
      stillThere,
    };
  },

  /** Variables that are no secrets, taken under each protection into the middle of a page. */
  moveVariables(open, _, tools) {
    const backend = open();
    const { pageByteLength } = backend;
    const name = 'SECUREMEM_MOVED';
    const value = Buffer.from('a value of 24 characters');
    const moved = [...levelsOf(backend.capabilities), 'read-write'].map((level) => {
      const region = backend.map(pageByteLength);
      backend.write(region, 68, new Uint8Array(88).fill(0x33));
      tools.setVariable(name, value.toString());
      backend.protect(region, /** @type {'read-write'} */ (level));
      const target = { region, byteOffset: 100, byteLength: value.length };
      backend.takeEnvironment(name, target);
      const facts = backend.inspect([region])[0];
      const bytes = Buffer.alloc(88);
      backend.read(region, 68, bytes);
      const inside = bytes.subarray(32, 32 + value.length);
      const around = [bytes.subarray(0, 32), bytes.subarray(32 + value.length)];
      return {
        level,
        same: inside.equals(value),
        around: around.every((part) => part.every((byte) => byte === 0x33)),
        protection: typeof facts === 'object' ? facts.protection : level,
      };
    });
    tools.setVariable(name, '');
    const emptyByteLength = backend.environmentByteLength(name);
    tools.setVariable('SECUREMEM_WÄRME', 'äöü');
    const wideByteLength = backend.environmentByteLength('SECUREMEM_WÄRME');
    return { moved, emptyByteLength, wideByteLength };
  },

  /** What is refused, by the name of the error, and what is true afterwards. */
  refuseVariables(open, _, tools) {
    const backend = open();
    const { pageByteLength } = backend;
    const region = backend.map(pageByteLength);
    const name = 'SECUREMEM_REFUSED';
    tools.setVariable(name, 'value');
    /** @param {unknown} wrong @param {object} [range] */
    const take = (wrong, range) => () =>
      backend.takeEnvironment(/** @type {string} */ (wrong), {
        region,
        byteOffset: 8,
        byteLength: 5,
        ...range,
      });
    /** @param {unknown} wrong */
    const ask = (wrong) => () => backend.environmentByteLength(/** @type {string} */ (wrong));
    /** @type {Record<string, string | undefined>} */
    const refused = {};
    const names = ['', `${name}=`, `${name}\0`, '\ud800', 'x'.repeat(1025), 7, undefined, null];
    for (const wrong of names) {
      const shown = `a name that is ${JSON.stringify(wrong)?.slice(0, 30)}`;
      refused[`${shown}, asked for`] = errorOf(ask(wrong))?.name;
      refused[`${shown}, taken`] = errorOf(take(wrong))?.name;
    }
    refused['a range that is short'] = errorOf(take(name, { byteLength: 4 }))?.name;
    refused['a range that is long'] = errorOf(take(name, { byteLength: 6 }))?.name;
    refused['a range outside'] = errorOf(take(name, { byteOffset: pageByteLength - 4 }))?.name;
    refused['a range before the region'] = errorOf(take(name, { byteOffset: -1 }))?.name;
    refused['a variable that is not set'] = errorOf(take('SECUREMEM_NOT_SET'))?.name;
    const bytes = new Uint8Array(64);
    backend.read(region, 0, bytes);
    return {
      refused,
      byteLengthAfter: backend.environmentByteLength(name),
      regionIsZero: bytes.every((byte) => byte === 0),
    };
  },

  /** One map at a limit of nothing. */
  mapOnce(open, { byteLength }, tools) {
    const backend = open();
    const before = tools.counts();
    const error = errorOf(() => backend.map(byteLength ?? backend.pageByteLength));
    const after = tools.counts();
    const addresses = addressesIn(error, tools);
    return { limit: backend.lockLimit(), error, addresses, before, after };
  },

  /** What lockLimit answers before and after the limit is lowered from outside. */
  followLockLimit(open, { loweredByteLength }, tools) {
    const backend = open();
    const first = backend.lockLimit();
    tools.setLockLimit(loweredByteLength);
    return { first, second: backend.lockLimit() };
  },

  /** Raises the limit within the hard one, asks for less, and asks for too much. */
  raiseLockLimit(open, { within, further, beyond }, tools) {
    const backend = open();
    const raised = backend.raiseLockLimit(within);
    const inForce = backend.lockLimit();
    const less = backend.raiseLockLimit(within / 2);
    const error = errorOf(() => backend.raiseLockLimit(beyond));
    const after = backend.lockLimit();
    const addresses = addressesIn(error, tools);
    // The way up to the hard limit must still be open.
    const furtherError = errorOf(() => backend.raiseLockLimit(further));
    return {
      raised,
      inForce,
      less,
      error,
      addresses,
      after,
      furtherError,
      last: backend.lockLimit(),
    };
  },

  /** Locked bytes before a region, with it, and at once after it was released, or its backend disposed. */
  releaseAtOnce(open, _parameters, tools) {
    const backend = open();
    const { pageByteLength } = backend;
    const locked = () => tools.counts().lockedByteLength;
    const released = ['read-write', ...levelsOf(backend.capabilities)].map((level) => {
      const before = locked();
      const region = backend.map(2 * pageByteLength);
      const during = locked();
      if (level !== 'read-write') backend.protect(region, /** @type {'read-only'} */ (level));
      backend.unmap(region);
      return { before, during, after: locked() };
    });
    const before = locked();
    for (let index = 0; index < 3; index += 1) backend.map(pageByteLength);
    const during = locked();
    backend[Symbol.dispose]();
    return { released, disposed: { before, during, after: locked() } };
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
    const addresses = addressesIn(error, tools);
    const before = tools.counts();
    for (let attempt = 0; attempt < attemptsInVain; attempt += 1) {
      errorOf(() => backend.map(2 * backend.pageByteLength));
    }
    const after = tools.counts();
    const target = oneByte(0);
    backend.read(kept, 0, target);
    return { error, addresses, before, after, keptByte: target[0] };
  },

  /** The kernel refuses to change the protection of a region. */
  protectRefused(open, _parameters, tools) {
    const backend = open();
    const region = backend.map(backend.pageByteLength);
    tools.refuse('mprotect', backend, region, backend.pageByteLength);
    backend.write(region, 0, oneByte(7));
    const error = errorOf(() => backend.protect(region, 'read-only'));
    const addresses = addressesIn(error, tools);
    const [facts] = backend.inspect([region]);
    const target = oneByte(0);
    const readError = errorOf(() => backend.read(region, 0, target));
    return { error, addresses, facts, byte: target[0], readError };
  },

  /** The kernel refuses to give a region back: the bytes must be gone all the same, and the id must live on. */
  unmapRefused(open, { byteLength, level }, tools) {
    const backend = open();
    const length = byteLength ?? backend.pageByteLength;
    const region = backend.map(length);
    const bytes = new Uint8Array(new ArrayBuffer(length)).fill(0x5a);
    backend.write(region, 0, bytes);
    tools.refuse('munmap', backend, region, length);
    // Finding the region, to refuse the call for it alone, left zeros on its first bytes.
    backend.write(region, 0, bytes);
    if (level !== undefined) backend.protect(region, level);
    const error = errorOf(() => backend.unmap(region));
    const addresses = addressesIn(error, tools);
    const readError = errorOf(() => backend.read(region, 0, bytes));
    const left = bytes.filter((byte) => byte !== 0).length;
    return { error, addresses, readError, left, firstLeft: bytes.findIndex((byte) => byte !== 0) };
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
