import { deepEqual as loosely } from 'node:assert';
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash, createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { inspect, isDeepStrictEqual } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { open } from './fixture.js';

const hidden = new Uint8Array(new ArrayBuffer(32)).fill(0xa5);

describe('what is shown of a secret', () => {
  it('is a redaction in every rendering, and cloning throws', () => {
    const { memory } = open();
    const secret = memory.adoptSync(hidden.slice());
    const shown = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: [secret] }, { depth: 9 }),
      secret.toString(),
    ];
    for (const text of shown) expect(text).toContain('[Secret: redacted]');
    for (const text of shown) expect(text).not.toMatch(/a5|165|32/);
    expect(() => structuredClone(secret)).toThrow(/could not be cloned/);
    expect(() => serialize(secret)).toThrow(/could not be cloned/);
    const { port1, port2 } = new MessageChannel();
    // N9 V8 shows the function that it cannot clone.
    expect(() => port1.postMessage(secret)).toThrow(/load it in that thread.*could not be cloned/s);
    port2.close();
    expect(deserialize(serialize({ ...{} }))).toEqual({});
    expect(inspect(secret, { showHidden: true, customInspect: false })).not.toMatch(/a5|165/);
    expect(inspect(memory, { showHidden: true, depth: 20 })).not.toMatch(/165/);
    expect(JSON.stringify(memory)).toBe('"[Allocator]"');
  });
});

/** One of each kind of handle. */
async function handles(): Promise<[string, object][]> {
  const { memory } = open();
  const store = memory.store();
  await store.set('name', hidden.slice());
  const secret = memory.adoptSync(hidden.slice());
  const gone = memory.adoptSync(hidden.slice());
  gone.dispose();
  let phase: object | undefined;
  let kept: object | undefined;
  await memory.phase((given) => {
    phase = given;
  });
  await store.use('name', (given) => {
    kept = given;
  });
  return [
    ['Secret', secret],
    ['disposed Secret', gone],
    ['SealedSecret', memory.adoptSync(hidden.slice()).seal()],
    ['Lease', secret.lend()],
    ['Secret of a store', kept as object],
    ['SecretStore', store],
    ['Phase', phase as object],
    ['Allocator', memory],
  ];
}

/** Ways in which something is taken for bytes or for a list. The handle goes where its bytes were meant. */
const AS_BYTES: Record<string, (handle: Uint8Array) => unknown> = {
  'Buffer.from()': (handle) => Buffer.from(handle),
  'Buffer.concat()': (handle) => Buffer.concat([handle]),
  'Buffer.copyBytesFrom()': (handle) => Buffer.copyBytesFrom(handle),
  'Buffer.compare()': (handle) => Buffer.compare(handle, handle),
  'new Uint8Array()': (handle) => new Uint8Array(handle),
  'new Float64Array()': (handle) => new Float64Array(handle),
  'new BigInt64Array()': (handle) => new BigInt64Array(handle as unknown as bigint[]),
  'Uint8Array.from()': (handle) => Uint8Array.from(handle),
  'Buffer.of() of a spread': (handle) => Buffer.of(...handle),
  'bytes.set()': (handle) => new Uint8Array(32).set(handle),
  'new DataView()': (handle) => new DataView(handle as unknown as ArrayBuffer),
  'Array.from()': (handle) => Array.from(handle),
  'a spread': (handle) => [...handle],
  'for … of': (handle) => {
    for (const byte of handle) return byte;
    return undefined;
  },
  'a destructuring': (handle) => {
    const [first] = handle;
    return first;
  },
  'a method of arrays': (handle) => Array.prototype.slice.call(handle),
  'Function.apply()': (handle) => String.fromCharCode.apply(null, handle as unknown as number[]),
  'its length': (handle) => handle.length,
  'createHmac()': (handle) => createHmac('sha256', handle),
  'hash.update()': (handle) => createHash('sha256').update(handle),
  'createSecretKey()': (handle) => createSecretKey(handle),
  'timingSafeEqual()': (handle) => timingSafeEqual(handle, handle),
  'writeFileSync()': (handle) => writeFileSync('/dev/null', handle),
  'TextDecoder.decode()': (handle) => new TextDecoder().decode(handle),
  'structuredClone()': (handle) => structuredClone(handle),
  'v8.serialize()': (handle) => serialize(handle),
  'postMessage()': (handle) => {
    const { port1, port2 } = new MessageChannel();
    try {
      port1.postMessage(handle);
    } finally {
      port2.close();
    }
  },
};

describe('P05 a handle where bytes were meant', () => {
  it('is refused by whatever takes bytes or a list, and is never an empty key', async () => {
    for (const [kind, handle] of await handles()) {
      if (kind === 'SecretStore') continue; // It is a list, of its names.
      for (const [way, take] of Object.entries(AS_BYTES)) {
        expect(() => take(handle as Uint8Array), `${way} of a ${kind}`).toThrow();
      }
    }
  });

  it('says what gives bytes, where it is asked for a length', async () => {
    for (const [kind, handle] of await handles()) {
      if (kind === 'SecretStore') continue;
      expect(() => new Uint8Array(handle as Uint8Array)).toThrow(/read\(\), lend\(\)/);
      expect(() => Array.from(handle as Uint8Array)).toThrow(TypeError);
    }
  });

  it('is its redaction to whatever takes text', async () => {
    for (const [, handle] of (await handles()).slice(0, 5)) {
      const text = handle as unknown as string;
      expect(`${text}`).toBe('[Secret: redacted]');
      expect(String(text) + text).toBe('[Secret: redacted][Secret: redacted]');
      expect(JSON.stringify(handle)).toBe('"[Secret: redacted]"');
      expect(inspect({ handle })).toBe('{ handle: [Secret: redacted] }');
      expect(inspect(handle, { getters: true, showHidden: true })).toBe('[Secret: redacted]');
      expect(new TextDecoder().decode(new TextEncoder().encode(text))).toBe('[Secret: redacted]');
      expect(await new Blob([text]).text()).toBe('[Secret: redacted]');
      expect(Number(handle)).toBeNaN();
    }
  });

  it('control: what has no length is an empty list, and what has a primitive value is that text', () => {
    const handle = { toString: () => '[Secret: redacted]' } as unknown as Uint8Array;
    expect(new Uint8Array(handle)).toHaveLength(0);
    expect(Array.from(handle)).toEqual([]);
    const bytes = new Uint8Array(2).fill(7);
    bytes.set(handle);
    expect(bytes).toEqual(new Uint8Array([7, 7]));
    const mask = { [Symbol.toPrimitive]: () => String(handle) } as unknown as string;
    expect(Buffer.from(mask).toString()).toBe('[Secret: redacted]');
  });
});

/** Comparisons of structure: Node's strict and loose ones, the test runner's, and what common comparers do. */
const COMPARERS: Record<string, (a: object, b: object) => boolean> = {
  isDeepStrictEqual: (a, b) => isDeepStrictEqual(a, b),
  'assert.deepStrictEqual': (a, b) => passes(() => assert.deepStrictEqual(a, b)),
  'assert.deepEqual': (a, b) => passes(() => loosely(a, b)),
  toEqual: (a, b) => passes(() => expect(a).toEqual(b)),
  toStrictEqual: (a, b) => passes(() => expect(a).toStrictEqual(b)),
  // As fast-deep-equal does before it looks at any property.
  'its value': (a, b) => a.valueOf() === b.valueOf(),
};

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

describe('P17 two handles', () => {
  it('are deeply equal only where they are one, whatever their kind and content', async () => {
    const [first, second] = [await handles(), await handles()];
    for (const [i, [kind, a]] of first.entries()) {
      const [, b] = second[i] as [string, object];
      for (const [name, equal] of Object.entries(COMPARERS)) {
        expect(equal({ key: a }.key, { key: b }.key), `${name} of two: ${kind}`).toBe(false);
        expect(equal(a, a), `${name} of one: ${kind}`).toBe(true);
      }
      expect(isDeepStrictEqual({ user: 'ada', key: a }, { user: 'ada', key: b })).toBe(false);
      expect(isDeepStrictEqual([a], [a])).toBe(true);
      expect([a]).toEqual([a]);
    }
  });

  it('are not equal either when one has the place of the other', () => {
    const { memory } = open();
    const a = memory.allocateSync(32);
    a.dispose();
    const b = memory.allocateSync(32);
    expect(isDeepStrictEqual(a, b)).toBe(false);
    expect(isDeepStrictEqual(b.lend(), b.lend())).toBe(false);
  });

  it('control: objects whose state is all private are equal', () => {
    class Opaque {
      readonly #state: number;
      constructor(state: number) {
        this.#state = state;
      }
      get state(): number {
        return this.#state;
      }
    }
    expect(isDeepStrictEqual(new Opaque(1), new Opaque(2))).toBe(true);
  });
});
