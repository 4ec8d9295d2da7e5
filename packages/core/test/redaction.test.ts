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
});
