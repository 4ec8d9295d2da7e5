import { Buffer } from 'node:buffer';
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { inspect } from 'node:util';
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
    expect(() => port1.postMessage(secret)).toThrow(/could not be cloned/);
    port2.close();
    expect(deserialize(serialize({ ...{} }))).toEqual({});
    expect(inspect(secret, { showHidden: true, customInspect: false })).not.toMatch(/a5|165/);
    expect(inspect(memory, { showHidden: true, depth: 20 })).not.toMatch(/165/);
    expect(JSON.stringify(memory)).toBe('"[Allocator]"');
  });

  it('P05 is never taken for bytes: Buffer.from() and what takes a key refuse each kind of handle', () => {
    const { memory } = open();
    const secret = memory.adoptSync(hidden.slice());
    const sealed = memory.adoptSync(hidden.slice()).seal();
    for (const handle of [secret, sealed] as unknown as Uint8Array[]) {
      expect(() => Buffer.from(handle)).toThrow(TypeError);
      expect(() => createHmac('sha256', handle)).toThrow(TypeError);
      expect(() => createSecretKey(handle)).toThrow(TypeError);
      expect(() => timingSafeEqual(handle, handle)).toThrow(TypeError);
      expect(`${handle}`).toBe('[Secret: redacted]');
      expect(String(handle) + handle).toBe('[Secret: redacted][Secret: redacted]');
    }
    // The control: whatever has a primitive value is taken for that text by Buffer.from().
    const mask = { [Symbol.toPrimitive]: () => String(secret) } as unknown as string;
    expect(Buffer.from(mask).toString()).toBe('[Secret: redacted]');
  });
});
