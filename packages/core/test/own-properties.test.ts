import { afterEach, describe, expect, it } from 'vitest';
import { ownProperties, zero } from '../src/contract/index.js';

const pollutable = Object.prototype as unknown as Record<string, unknown>;

describe('ownProperties()', () => {
  afterEach(() => {
    delete pollutable.env;
  });

  it('P02 gives what the caller wrote, and nothing of what lies on a prototype', () => {
    pollutable.env = 'polluted';
    const given: { env?: string; module: string } = { module: 'm' };
    expect(given.env).toBe('polluted');
    const own = ownProperties(given, 'options');
    expect(own.env).toBeUndefined();
    expect(own.module).toBe('m');
    expect(Object.getPrototypeOf(own)).toBe(null);
    expect(ownProperties<typeof given>(undefined, 'options').env).toBeUndefined();
  });

  it('P02 takes a name such as __proto__ for the data that it is', () => {
    const own = ownProperties(JSON.parse('{"__proto__":{"env":1}}') as object, 'options');
    expect(Object.getPrototypeOf(own)).toBe(null);
    expect((own as { env?: unknown }).env).toBeUndefined();
    expect(Object.keys(own)).toEqual(['__proto__']);
  });

  it('runs a getter once, so that what was checked is what is used', () => {
    let reads = 0;
    const own = ownProperties(
      {
        get limit() {
          return ++reads;
        },
      },
      'options',
    );
    expect([own.limit, own.limit, reads]).toEqual([1, 1, 1]);
  });

  it.each([null, 1, 'text', () => {}])('throws TypeError for %s', (value) => {
    expect(() => ownProperties(value as unknown as object, 'options')).toThrow(
      new TypeError('options must be an object'),
    );
  });
});

describe('zero()', () => {
  it('SEC12 wipes all or a part, with a patched prototype too', () => {
    const bytes = new Uint8Array(new ArrayBuffer(8));
    bytes.fill(7);
    const { fill } = Uint8Array.prototype;
    Uint8Array.prototype.fill = function unpatched() {
      return this;
    };
    try {
      bytes.fill(0);
      expect(bytes[0]).toBe(7);
      zero(bytes, 2, 4);
      expect([...bytes]).toEqual([7, 7, 0, 0, 7, 7, 7, 7]);
      zero(bytes);
      expect([...bytes]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    } finally {
      Reflect.deleteProperty(Uint8Array.prototype, 'fill');
      expect(Uint8Array.prototype.fill).toBe(fill);
    }
  });

  it('does nothing to an array whose buffer was transferred, and throws for what is no array', () => {
    const bytes = new Uint8Array(new ArrayBuffer(8));
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    zero(bytes);
    expect(() => zero('text' as unknown as Uint8Array)).toThrow(TypeError);
  });
});
