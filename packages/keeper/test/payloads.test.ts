import { terminate } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import type { KeeperOptions } from '../src/index.js';
import { bytes, openSubject, rejectionOf, text } from './open-subject.js';

const PROBE = new URL('./modules/probe.mjs', import.meta.url);
const KIB = 1_024;

const openProbe = (options: Partial<KeeperOptions> = {}) =>
  openSubject({ module: PROBE, crashPolicy: terminate(), ...options });

const scratch = (byteLength: number, value = 0): Uint8Array =>
  new Uint8Array(new ArrayBuffer(byteLength)).fill(value);
const transferAway = ({ buffer }: Uint8Array): unknown =>
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
const numbers = (...values: readonly number[]): Uint8Array =>
  new Uint8Array(new Uint32Array(values).buffer);
const allEqual = (result: Uint8Array, value: number): boolean =>
  result.every((byte) => byte === value);

/** The types of the oldest supported runtime do not know them; it does. */
const resizable = (): Uint8Array => {
  const options: [number, object] = [8, { maxByteLength: 16 }];
  return new Uint8Array(Reflect.construct(ArrayBuffer, options));
};

/** Around every limit on the way: a short copy, a batch, the channel’s own room. */
const LENGTHS = [1, 64, 65, 4_096, 65_519, 65_520, 65_521, 70_000, 300 * KIB, 1_024 * KIB];

describe('P06 a payload', () => {
  it.each(LENGTHS)(
    'of %i bytes is sent as it was given, though it is overwritten at once',
    async (length) => {
      const keeper = await openProbe();
      const calls = Array.from({ length: 10 }, (_, n) => {
        const payload = scratch(length, n + 1);
        const call = keeper.call('echo', payload, { idempotent: n % 2 === 0 });
        payload.fill(0xff);
        return call;
      });
      for (const [n, result] of (await Promise.all(calls)).entries()) {
        expect([result.length, allEqual(result, n + 1)]).toEqual([length, true]);
      }
    },
  );

  it.each(LENGTHS)(
    'of %i bytes may be transferred away at once, and the channel goes on',
    async (length) => {
      const keeper = await openProbe();
      const calls = Array.from({ length: 10 }, (_, n) => {
        const payload = scratch(length, n + 1);
        const call = keeper.call('echo', payload);
        transferAway(payload);
        return call;
      });
      for (const [n, result] of (await Promise.all(calls)).entries()) {
        expect([result.length, allEqual(result, n + 1)]).toEqual([length, true]);
      }
      expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
      expect(keeper.stats()).toMatchObject({ state: 'ready', waitingCalls: 0, openCalls: 0 });
    },
  );

  it('that is secret may be transferred away at once: it has been wiped already', async () => {
    const keeper = await openProbe();
    for (const length of [32, 70_000]) {
      const token = scratch(length, 7);
      const call = keeper.call('secretLength', token, { secret: true });
      expect(allEqual(token, 0)).toBe(true);
      transferAway(token);
      expect(text(await call)).toBe(String(length));
    }
  });

  it('has the length that it has, whatever a subclass says', async () => {
    class Liar extends Uint8Array {
      override get length(): never {
        throw new Error('asked');
      }
      override get byteLength(): never {
        throw new Error('asked');
      }
      override subarray(): never {
        throw new Error('asked');
      }
    }
    const keeper = await openProbe();
    const liar = new Liar(new ArrayBuffer(100)).fill(5);
    expect(allEqual(await keeper.call('echo', liar), 5)).toBe(true);
    const shadowed = Object.defineProperty(scratch(100, 6), 'length', { value: 3 });
    expect((await keeper.call('echo', shadowed)).length).toBe(100);
  });

  it.each([
    ['resizable', resizable],
    ['shared', () => new Uint8Array(new SharedArrayBuffer(8))],
    [
      'detached',
      () => {
        const payload = scratch(8);
        transferAway(payload);
        return payload;
      },
    ],
    ['a proxy', () => new Proxy(scratch(8), {})],
    ['a list', () => [1, 2, 3] as unknown as Uint8Array],
  ])('that is %s is refused with a TypeError, and nothing is counted', async (_name, make) => {
    const keeper = await openProbe();
    const error = await rejectionOf(keeper.call('echo', make() as Uint8Array));
    expect(error).toBeInstanceOf(TypeError);
    expect(keeper.stats()).toMatchObject({ calls: 0, openCalls: 0, waitingCalls: 0 });
    expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
  });
});

describe('KS3 an answer', () => {
  it.each([60_000, 70_000, 300_000, 1_048_576])(
    'of %i bytes is what the operation gave, though its buffer serves the next call',
    async (byteLength) => {
      const keeper = await openProbe();
      const calls = Array.from({ length: 20 }, (_, n) =>
        keeper.call('reuse', numbers(byteLength, n + 1)),
      );
      const results = await Promise.all(calls);
      const wrong = results.filter(
        (result, n) => result.length !== byteLength || !allEqual(result, n + 1),
      );
      expect(wrong).toHaveLength(0);
    },
  );

  it.each([10, 70_000, 1_048_576])(
    'of %i bytes of a host function is what it gave, though its buffer serves the next',
    async (byteLength) => {
      const output = scratch(byteLength);
      const act = (payload: Uint8Array) => output.fill((payload[0] ?? 0) + 1);
      const keeper = await openProbe({ host: { act } });
      const answers = JSON.parse(text(await keeper.call('ask', numbers(20))));
      expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => [byteLength, n + 1, n + 1]));
    },
  );

  it.each([0, 1])('that is no ordinary memory is an error of that call (%i)', async (which) => {
    const keeper = await openProbe();
    expect((await rejectionOf(keeper.call('odd', new Uint8Array([which])))).name).toBe('TypeError');
    expect(text(await keeper.call('echo', bytes('on')))).toBe('on');
  });
});

describe('SEC12 wiping', () => {
  it('does not need the prototype that somebody patched', async () => {
    const keeper = await openProbe();
    const token = scratch(32, 65);
    const { fill } = Uint8Array.prototype;
    Uint8Array.prototype.fill = function unpatched() {
      return this;
    };
    try {
      expect(text(await keeper.call('secretLength', token, { secret: true }))).toBe('32');
    } finally {
      Reflect.deleteProperty(Uint8Array.prototype, 'fill');
      expect(Uint8Array.prototype.fill).toBe(fill);
    }
    expect(allEqual(token, 0)).toBe(true);
  });
});
