import type { RegionId } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expect, expectCode, expectEqual, expectPlain, expectSame } from '../expectation.js';
import { callsOnRegion } from '../region-calls.js';
import type { Requirement } from '../requirement.js';

const NUMBERS_THAT_ARE_NO_COUNT: readonly unknown[] = [
  -1,
  -0.5,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  2 ** 60,
];

const VALUES_THAT_ARE_NO_NUMBER: readonly unknown[] = ['8', null, undefined, 8n, {}, []];

/** A region full of a pattern, and a check that it still is. */
function guarded(context: Context): { region: RegionId; unchanged: (what: string) => void } {
  const region = context.map(2);
  const expected = pattern(2 * context.page, 8);
  context.backend.write(region, 0, expected);
  return {
    region,
    unchanged: (what) => {
      const actual = scratch(expected.length);
      context.backend.read(region, 0, actual);
      expectSame(actual, expected, `the region after ${what}`);
    },
  };
}

/** The calls that take a byte range, by offset and length. */
function rangeCalls({ backend, capabilities }: Context, region: RegionId) {
  const calls: [string, (offset: number, length: number) => unknown][] = [
    ['wipe', (offset, length) => backend.wipe(region, offset, length)],
    ['read', (offset) => backend.read(region, offset, scratch(8))],
    ['write', (offset) => backend.write(region, offset, scratch(8, 1))],
  ];
  if (capabilities.views === 'revocable') {
    calls.push(['openView', (offset, length) => backend.openView(region, offset, length)]);
  }
  return calls;
}

/** Buffers that look like bytes and are dangerous. */
function dangerousBuffers(): [string, unknown][] {
  const detached = new Uint8Array(new ArrayBuffer(8));
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const Resizable = ArrayBuffer as unknown as new (
    byteLength: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer;
  return [
    ['a detached buffer', detached],
    ['a resizable buffer', new Uint8Array(new Resizable(8, { maxByteLength: 16 }))],
    ['shared memory', new Uint8Array(new SharedArrayBuffer(8))],
    ['a Uint16Array', new Uint16Array(4)],
    ['a DataView', new DataView(new ArrayBuffer(8))],
    ['an ArrayBuffer', new ArrayBuffer(8)],
    ['an array', [1, 2, 3]],
    ['text', 'text'],
    ['null', null],
    ['undefined', undefined],
  ];
}

export const misuse: readonly Requirement[] = [
  {
    id: 'misuse-unknown-id',
    group: 'misuse',
    sentence:
      'an id that was never given throws ERR_SECMEM_DISPOSED in every method and changes nothing',
    contract: 'MemoryBackend, preconditions',
    run: (context) => {
      const { region, unchanged } = guarded(context);
      // Past 2^52 a number has no half beside it: such an id is its own neighbour and no stranger.
      const beside = region + 0.5 === region ? region + 1_000_000 : region + 0.5;
      const unknown = [0, -1, Number.NaN, 1.5, 2 ** 40, beside, 'id', null, undefined, {}];
      for (const [name, call] of callsOnRegion(context.backend)) {
        for (const id of unknown) {
          expectCode(
            () => call(id as RegionId),
            'ERR_SECMEM_DISPOSED',
            `${name} of id ${String(id)}`,
          );
        }
      }
      unchanged('calls with unknown ids');
    },
  },
  {
    id: 'misuse-range',
    group: 'misuse',
    sentence:
      'a byte range outside of the region throws RangeError in every method and changes nothing',
    contract: 'MemoryBackend, preconditions',
    run: (context) => {
      const { region, unchanged } = guarded(context);
      const end = 2 * context.page;
      for (const [name, call] of rangeCalls(context, region)) {
        for (const bad of NUMBERS_THAT_ARE_NO_COUNT) {
          expectPlain(() => call(bad as number, 8), ['RangeError'], `${name} at ${bad}`);
        }
        for (const [offset = 0, length = 8] of [
          [end],
          [end - 7],
          [end, 2 ** 52],
          [2 ** 52, 2 ** 52],
        ]) {
          expectPlain(
            () => call(offset, length),
            ['RangeError'],
            `${name} of ${length} at ${offset}`,
          );
        }
        for (const bad of VALUES_THAT_ARE_NO_NUMBER) {
          expectPlain(
            () => call(bad as number, 8),
            ['RangeError', 'TypeError'],
            `${name} at ${typeof bad}`,
          );
        }
      }
      for (const bad of NUMBERS_THAT_ARE_NO_COUNT) {
        const run = (): void => context.backend.wipe(region, 0, bad as number);
        expectPlain(run, ['RangeError'], `wipe of ${bad} bytes`);
      }
      unchanged('calls with ranges outside');
    },
  },
  {
    id: 'misuse-buffer',
    group: 'misuse',
    sentence:
      'a source or target that is no ordinary Uint8Array throws TypeError and changes nothing',
    contract: 'MemoryBackend, preconditions',
    run: (context) => {
      const { backend } = context;
      const { region, unchanged } = guarded(context);
      for (const [name, value] of dangerousBuffers()) {
        const bytes = value as Uint8Array;
        expectPlain(() => backend.read(region, 0, bytes), ['TypeError'], `read into ${name}`);
        expectPlain(() => backend.write(region, 0, bytes), ['TypeError'], `write from ${name}`);
      }
      unchanged('calls with buffers that are not ordinary');
    },
  },
  {
    id: 'misuse-buffer-part',
    group: 'misuse',
    sentence:
      'read and write use exactly the part of a buffer that the array shows, of a Buffer too',
    contract: 'MemoryBackend.read, write',
    run: (context) => {
      const { backend } = context;
      const region = context.map();
      const around = scratch(64, 0xee);
      backend.write(region, 10, pattern(64, 2).subarray(8, 24));
      backend.read(region, 10, around.subarray(20, 36));
      const expected = scratch(64, 0xee);
      expected.set(pattern(64, 2).subarray(8, 24), 20);
      expectSame(around, expected, 'the buffer around the target');
      const buffer = Buffer.alloc(16);
      backend.read(region, 10, buffer);
      expectSame(new Uint8Array(buffer), pattern(64, 2).subarray(8, 24), 'a Buffer as target');
      const all = scratch(context.page);
      backend.read(region, 0, all);
      expectEqual(all.filter((byte) => byte !== 0).length, 16, 'bytes that were written');
    },
  },
  {
    id: 'misuse-empty',
    group: 'misuse',
    sentence: 'ranges of no bytes are allowed everywhere up to the end and change nothing',
    contract: 'MemoryBackend, preconditions',
    run: (context) => {
      const { backend } = context;
      const { region, unchanged } = guarded(context);
      for (const offset of [0, 1, 2 * context.page]) {
        backend.wipe(region, offset, 0);
        backend.read(region, offset, scratch(0));
        backend.write(region, offset, scratch(0));
      }
      unchanged('calls with empty ranges');
    },
  },
  {
    id: 'misuse-map-length',
    group: 'misuse',
    sentence:
      'map of anything but a positive multiple of the page throws RangeError and makes nothing',
    contract: 'MemoryBackend.map',
    run: async (context) => {
      const { backend, page } = context;
      const before = await context.evidence.counts();
      for (const bad of [
        0,
        1,
        page - 1,
        page + 1,
        page / 2,
        -page,
        ...NUMBERS_THAT_ARE_NO_COUNT.slice(0, 5),
      ]) {
        expectPlain(() => backend.map(bad as number), ['RangeError'], `map(${bad})`);
      }
      for (const bad of VALUES_THAT_ARE_NO_NUMBER) {
        expectPlain(
          () => backend.map(bad as number),
          ['RangeError', 'TypeError'],
          `map(${typeof bad})`,
        );
      }
      const after = await context.evidence.counts();
      const grown = after.lockedByteLength - before.lockedByteLength;
      expect(grown <= 0, `${grown} bytes were locked all the same`);
    },
  },
  {
    id: 'misuse-raise',
    group: 'misuse',
    sentence:
      'raiseLockLimit throws RangeError for anything that is not a byte count, and changes nothing',
    contract: 'MemoryBackend.raiseLockLimit',
    run: ({ backend }) => {
      const before = backend.lockLimit();
      for (const bad of NUMBERS_THAT_ARE_NO_COUNT) {
        expectPlain(
          () => backend.raiseLockLimit(bad as number),
          ['RangeError'],
          `raiseLockLimit(${bad})`,
        );
      }
      expectEqual(backend.lockLimit(), before, 'lockLimit');
    },
  },
  {
    id: 'misuse-twice',
    group: 'misuse',
    sentence: 'a second unmap throws ERR_SECMEM_DISPOSED and takes nobody else’s region away',
    contract: 'MemoryBackend.unmap',
    run: (context) => {
      const { backend } = context;
      const first = context.map(2);
      backend.unmap(first);
      const { unchanged } = guarded(context);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expectCode(() => backend.unmap(first), 'ERR_SECMEM_DISPOSED', 'unmap for the second time');
      }
      unchanged('a second unmap of another one');
      expect(context.map() !== first, 'map gave the id of a released region again');
    },
  },
];
