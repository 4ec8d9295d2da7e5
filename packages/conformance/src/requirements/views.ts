import type { RegionId, View } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expect, expectCode, expectEqual, expectFilled, expectSame } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { transferAway } from '../transfer-away.js';

const claims = ({ views }: { readonly views: 'revocable' | 'none' }): boolean =>
  views === 'revocable';

function refusesViews(context: Context): void {
  const region = context.map();
  expectCode(
    () => context.backend.openView(region, 0, 16),
    'ERR_SECMEM_NOT_SUPPORTED',
    'openView of a backend without views',
  );
}

function readAll({ backend }: Context, region: RegionId, byteLength: number): Uint8Array {
  const bytes = scratch(byteLength);
  backend.read(region, 0, bytes);
  return bytes;
}

/** Everything that a caller may have kept of a view. */
function keep(view: View): { names: readonly string[]; lengths: () => number[] } {
  const { bytes } = view;
  const kept = [
    bytes,
    bytes.subarray(4, 8),
    new Uint16Array(bytes.buffer, 0, 2),
    Buffer.from(bytes.buffer),
  ];
  return {
    names: ['bytes', 'a subarray', 'another typed array', 'a Buffer'],
    lengths: () => kept.map(({ length }) => length),
  };
}

/** Calls close after somebody made it hard. The answer must be true, whatever it is. */
function expectHonestClose(view: View, how: string, harm: (view: View) => void): void {
  // Kept before the harm is done, since afterwards the view may lie about its own buffer.
  const kept = keep(view);
  harm(view);
  const outcome = view.close();
  const lengths = kept.lengths();
  const empty = lengths.every((length) => length === 0);
  expect(outcome !== 'escaped', `${how}: close says escaped and nobody transferred the buffer`);
  expectEqual(outcome === 'revoked', empty, `${how}: revoked, with lengths ${lengths.join(', ')}`);
  expectEqual(view.close(), outcome, `${how}: the second close`);
}

/** Own properties of the buffer that say it is empty and detached already. */
function shadowBuffer({ bytes }: View): void {
  Object.defineProperty(bytes.buffer, 'byteLength', { value: 0 });
  Object.defineProperty(bytes.buffer, 'detached', { value: true });
  Object.defineProperty(bytes.buffer, 'transfer', { value: () => new ArrayBuffer(0) });
}

/** Another buffer in the place of the real one. */
function shadowBytes({ bytes }: View): void {
  Object.defineProperty(bytes, 'buffer', { value: new ArrayBuffer(8) });
}

export const views: readonly Requirement[] = [
  {
    id: 'view-exact-range',
    group: 'views',
    sentence: 'openView shows its range, in both directions, and a buffer of nothing else',
    contract: 'MemoryBackend.openView, View.bytes',
    capability: 'views',
    claims,
    run: (context) => {
      const { backend, page } = context;
      const region = context.map(2);
      backend.write(region, 0, pattern(2 * page, 4));
      for (const [offset = 0, length = 0] of [
        [0, 2 * page],
        [1, 1],
        [page - 3, 7],
        [2 * page - 64, 64],
      ]) {
        const view = backend.openView(region, offset, length);
        expectEqual(view.bytes.length, length, 'the length of bytes');
        expectEqual(view.bytes.byteOffset, 0, 'the offset of bytes in its buffer');
        expectEqual(view.bytes.buffer.byteLength, length, 'the length of the buffer');
        const expected = readAll(context, region, 2 * page).subarray(offset, offset + length);
        expectSame(view.bytes.slice(), expected, `a view of ${length} bytes at ${offset}`);
        view.bytes[length - 1] = 0;
        expectEqual(
          readAll(context, region, 2 * page)[offset + length - 1],
          0,
          'a byte set in a view',
        );
        expectEqual(view.close(), 'revoked', 'close');
      }
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-same-memory',
    group: 'views',
    sentence: 'overlapping views, read, write and wipe all show the same memory',
    contract: 'MemoryBackend.openView',
    capability: 'views',
    claims,
    run: (context) => {
      const { backend } = context;
      const region = context.map();
      const whole = backend.openView(region, 0, context.page);
      const part = backend.openView(region, 32, 16);
      part.bytes[3] = 0x42;
      backend.write(region, 40, scratch(2, 0x43));
      expectEqual(
        [whole.bytes[35], whole.bytes[40], part.bytes[8]],
        [0x42, 0x43, 0x43],
        'the bytes',
      );
      backend.wipe(region, 32, 16);
      expectFilled(whole.bytes.slice(32, 48), 0, 'the range after wipe');
      expectFilled(part.bytes.slice(), 0, 'the other view after wipe');
      whole.close();
      part.close();
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-revoked',
    group: 'views',
    sentence:
      'close empties every array over the view, which then neither reads nor writes the region',
    contract: 'View.close',
    capability: 'views',
    claims,
    run: (context) => {
      const { backend } = context;
      const region = context.map();
      const view = backend.openView(region, 64, 32);
      const kept = keep(view);
      const { bytes } = view;
      const other = backend.openView(region, 64, 32);
      bytes.fill(7);
      expectEqual([view.close(), view.close()], ['revoked', 'revoked'], 'two calls of close');
      kept.lengths().forEach((length, index) => {
        expectEqual(length, 0, `the length of ${kept.names[index]} after close`);
      });
      bytes[0] = 9;
      expectEqual(other.bytes[0], 7, 'a byte of the region after a write through a closed view');
      expectEqual(other.bytes.length, 32, 'the length of another view of the same range');
      expectEqual(view.aliasAlive(), false, 'aliasAlive after revoked');
      other.close();
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-escaped',
    group: 'views',
    sentence:
      'close says escaped when somebody transferred the buffer, and aliasAlive does not deny it',
    contract: 'View.close, View.aliasAlive',
    capability: 'views',
    claims,
    run: async (context) => {
      const region = context.map();
      const view = context.backend.openView(region, 0, 32);
      // Held to the end, or the alias would be garbage and aliasAlive right to say so.
      const alias = await transferAway(view.bytes);
      expectEqual(view.bytes.length, 0, 'the length of a transferred view');
      expectEqual([view.close(), view.close()], ['escaped', 'escaped'], 'two calls of close');
      expect(view.aliasAlive() !== false, 'aliasAlive says false while an alias lives');
      expectEqual(alias.byteLength, 32, 'the length of the alias');
      context.backend.wipe(region, 0, context.page);
      expectFilled(
        readAll(context, region, context.page),
        0,
        'the region under an alias after wipe',
      );
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-honest-close',
    group: 'views',
    sentence:
      'close says revoked only when nothing shows the region, whatever was done to the buffer',
    contract: 'ViewOutcome',
    capability: 'views',
    claims,
    run: (context) => {
      const region = context.map();
      const open = (): View => context.backend.openView(region, 0, 32);
      expectHonestClose(open(), 'untouched', () => undefined);
      expectHonestClose(open(), 'a frozen buffer', ({ bytes }) => Object.freeze(bytes.buffer));
      expectHonestClose(open(), 'shadowed properties of the buffer', shadowBuffer);
      expectHonestClose(open(), 'a shadowed buffer', shadowBytes);
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-captured-functions',
    group: 'views',
    sentence: 'close works when somebody replaced the methods of ArrayBuffer since the import',
    contract: 'View.close',
    capability: 'views',
    claims,
    run: (context) => {
      const region = context.map();
      const view = context.backend.openView(region, 0, 32);
      const kept = keep(view);
      const prototype = ArrayBuffer.prototype as { transfer?: unknown };
      const transfer = Object.getOwnPropertyDescriptor(prototype, 'transfer');
      const byteLength = Object.getOwnPropertyDescriptor(prototype, 'byteLength');
      let outcome: string;
      try {
        Object.defineProperty(prototype, 'transfer', {
          value: () => undefined,
          configurable: true,
        });
        Object.defineProperty(prototype, 'byteLength', { get: () => 0, configurable: true });
        outcome = view.close();
      } finally {
        if (transfer === undefined) delete prototype.transfer;
        else Object.defineProperty(prototype, 'transfer', transfer);
        if (byteLength !== undefined) Object.defineProperty(prototype, 'byteLength', byteLength);
      }
      expectEqual(outcome, 'revoked', 'close');
      expectEqual(
        kept.lengths().every((length) => length === 0),
        true,
        'all lengths are 0',
      );
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-many',
    group: 'views',
    sentence: 'each of many views is closed by itself, and the region stays usable',
    contract: 'MemoryBackend.openView',
    capability: 'views',
    claims,
    run: (context) => {
      const region = context.map();
      const opened = Array.from({ length: 64 }, (_, index) =>
        context.backend.openView(region, index * 8, 8),
      );
      opened.forEach((view, index) => {
        expectEqual(view.close(), 'revoked', `close of view ${index}`);
        const open = opened.filter(({ bytes }) => bytes.length === 8).length;
        expectEqual(open, 63 - index, `views still open after closing ${index + 1}`);
      });
      context.backend.write(region, 0, scratch(64, 1));
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
  {
    id: 'view-unmap',
    group: 'views',
    sentence:
      'unmap under a view that is open or has escaped throws ERR_SECMEM_IN_USE and changes nothing',
    contract: 'MemoryBackend.unmap',
    capability: 'views',
    claims,
    run: async (context) => {
      const { backend, page } = context;
      const expected = pattern(page, 5);
      const filled = (): RegionId => {
        const region = context.map();
        backend.write(region, 0, expected);
        return region;
      };
      const region = filled();
      const view = backend.openView(region, 8, 32);
      expectCode(() => backend.unmap(region), 'ERR_SECMEM_IN_USE', 'unmap under an open view');
      expectSame(view.bytes.slice(), expected.slice(8, 40), 'the view after it');
      expectSame(readAll(context, region, page), expected, 'the region after it');
      expectEqual(view.close(), 'revoked', 'close');
      backend.unmap(region);

      const shown = filled();
      const escaped = backend.openView(shown, 8, 32);
      const alias = await transferAway(escaped.bytes);
      expectCode(() => backend.unmap(shown), 'ERR_SECMEM_IN_USE', 'unmap under a transferred view');
      escaped.close();
      expectCode(() => backend.unmap(shown), 'ERR_SECMEM_IN_USE', 'unmap under an escaped view');
      // Reading it also keeps the alias alive to here.
      expectSame(new Uint8Array(alias).slice(), expected.slice(8, 40), 'the alias after it');
    },
    instead: 'openView throws ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesViews,
  },
];
