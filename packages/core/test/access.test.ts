import { createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hmac, type Lease, type Secret } from '../src/index.js';
import { open, PAGE, thrown, turn } from './fixture.js';

const hidden = new Uint8Array(new ArrayBuffer(32)).fill(0xa5);

describe.each(['revocable', 'none'] as const)('accesses with views %s', (views) => {
  const opened = (options: Parameters<typeof open>[0] = {}) =>
    open({ ...options, capabilities: { views } });

  it('read() gives the bytes for the call only', () => {
    const { memory } = opened();
    const secret = memory.adoptSync(hidden.slice());
    let kept: Uint8Array | undefined;
    expect(
      secret.read((bytes) => {
        kept = bytes;
        return bytes[0];
      }),
    ).toBe(0xa5);
    expect(kept?.length).toBe(0);
  });

  it('write() copies back on return and on throw', () => {
    const { memory } = opened();
    const secret = memory.allocateSync(4);
    secret.write((bytes) => bytes.fill(1));
    expect(() =>
      secret.write((bytes) => {
        bytes[0] = 9;
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(secret.read((bytes) => [...bytes])).toEqual([9, 1, 1, 1]);
  });

  it('read() refuses a promise, and closes the view before it says so', () => {
    const { memory } = opened();
    const secret = memory.allocateSync(4);
    let kept: Uint8Array | undefined;
    const refused = thrown(() =>
      secret.read(async (bytes) => {
        kept = bytes;
        throw new Error('nobody hears this');
      }),
    );
    expect(refused).toBeInstanceOf(TypeError);
    expect(refused.message).toMatch(/lend\(\)/);
    expect(kept?.length).toBe(0);
  });

  it('many readers overlap, a writer excludes everybody on the same secret and nobody on another', () => {
    const { memory } = opened();
    const [a, b] = memory.allocateAllSync([16, 16]) as [Secret, Secret];
    a.read(() => {
      a.read(() => expect(() => a.write(() => {})).toThrow(/another access/));
      b.write((bytes) => bytes.fill(1));
      expect(thrown(() => a.resize(8)).code).toBe('ERR_SECMEM_IN_USE');
    });
    a.write(() => {
      expect(thrown(() => a.read(() => 0)).code).toBe('ERR_SECMEM_IN_USE');
      expect(thrown(() => a.equals(b)).code).toBe('ERR_SECMEM_IN_USE');
      b.read(() => 0);
    });
    a.write(() => {});
  });

  it('lend() keeps the bytes across an await until release()', async () => {
    const { memory } = opened();
    const secret = memory.adoptSync(hidden.slice());
    const lease = secret.lend();
    await turn();
    expect(lease.bytes[31]).toBe(0xa5);
    lease.release();
    lease.release();
    expect(lease.bytes.length).toBe(0);
    const writing = secret.lend({ mode: 'write' });
    writing.bytes.fill(3);
    writing.release();
    expect(secret.read((bytes) => bytes[0])).toBe(3);
  });

  it('dispose() inside an access ends the handle at once and wipes when the access ends', () => {
    const { memory, kernel } = opened({ routing: { pooledByteLengthMax: 0 } });
    const secret = memory.adoptSync(hidden.slice());
    const [region] = kernel.regionIds;
    secret.read((bytes) => {
      secret.dispose();
      expect(bytes[0]).toBe(0xa5);
      expect(thrown(() => secret.read(() => 0)).code).toBe('ERR_SECMEM_DISPOSED');
      expect(memory.stats().secrets).toBe(1);
    });
    expect(memory.stats().secrets).toBe(0);
    expect(kernel.peek(region as never, PAGE - 32, 32).every((byte) => byte === 0)).toBe(true);
  });

  it('a disposed secret with two leases goes when the second is released', () => {
    const { memory } = opened();
    const secret = memory.adoptSync(hidden.slice());
    const leases = [secret.lend(), secret.lend()] as [Lease, Lease];
    secret.dispose();
    leases[0].release();
    expect(leases[1].bytes[0]).toBe(0xa5);
    expect(memory.stats().secrets).toBe(1);
    leases[1].release();
    expect(memory.stats().secrets).toBe(0);
  });

  it('purge() inside an access zeroes what the access shows, and the allocator stays usable', () => {
    const { memory } = opened();
    const secret = memory.adoptSync(hidden.slice());
    secret.read((bytes) => {
      memory.purge();
      expect(bytes.every((byte) => byte === 0)).toBe(true);
    });
    expect(secret.disposed).toBe(true);
    expect(memory.stats()).toMatchObject({ secrets: 0, primary: { mappedByteLength: 0 } });
    memory.allocateSync(32).dispose();
  });

  it('purge() during a write drops what is written afterwards', () => {
    const { memory } = opened();
    const secret = memory.allocateSync(32);
    secret.write((bytes) => {
      memory.purge();
      if (bytes.length > 0) bytes.fill(9);
    });
    const next = memory.allocateSync(32);
    expect(next.read((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  it('allocating, disposing others and resizing others inside an access is allowed', () => {
    const { memory } = opened();
    const [a, b] = memory.allocateAllSync([16, 16]) as [Secret, Secret];
    a.read(() => {
      b.resize(3000);
      b.dispose();
      memory.allocateSync(5000).dispose();
    });
    expect(a.read((bytes) => bytes.length)).toBe(16);
  });

  it('Z7 a stale view reads zero length, never the next secret in its slot', () => {
    const { memory } = opened();
    const first = memory.adoptSync(hidden.slice());
    let stale: Uint8Array[] = [];
    let dataView: DataView | undefined;
    first.read((bytes) => {
      stale = [bytes, bytes.subarray(1), Buffer.from(bytes.buffer as ArrayBuffer)];
      dataView = new DataView(bytes.buffer);
    });
    first.dispose();
    const next = memory.allocateSync(32);
    next.write((bytes) => bytes.fill(0xee));
    for (const view of stale) {
      expect(view.length).toBe(0);
      expect(view[0]).toBeUndefined();
      view[0] = 1;
    }
    expect(() => dataView?.getUint8(0)).toThrow(TypeError);
    expect(next.read((bytes) => bytes.every((byte) => byte === 0xee))).toBe(true);
    expect(thrown(() => first.write(() => {})).code).toBe('ERR_SECMEM_DISPOSED');
    first.dispose();
    expect(next.disposed).toBe(false);
  });

  it('M13 dispose() twice is nothing; every later use is DISPOSED, never an empty success', () => {
    const { memory } = opened();
    const secret = memory.allocateSync(32);
    secret.dispose();
    secret.dispose();
    secret[Symbol.dispose]();
    const uses: (() => unknown)[] = [
      () => secret.read(() => 0),
      () => secret.write(() => 0),
      () => secret.lend(),
      () => secret.copyFrom(hidden),
      () => secret.equals(hidden),
      () => secret.exportCopy(),
      () => secret.resize(8),
      () => secret.receipt,
      () => hmac('sha256', secret, 'x'),
    ];
    for (const use of uses) expect(thrown(use).code).toBe('ERR_SECMEM_DISPOSED');
    expect(secret.byteLength).toBe(0);
  });

  it('copyFrom(), equals() and exportCopy() work without a view', () => {
    const { memory } = opened();
    const [a, b] = memory.allocateAllSync([32, 32]) as [Secret, Secret];
    a.copyFrom(hidden);
    expect(a.equals(b)).toBe(false);
    b.copyFrom(a);
    expect(a.equals(b)).toBe(true);
    expect(a.equals(hidden)).toBe(true);
    expect(a.equals(hidden.subarray(1))).toBe(false);
    expect(a.exportCopy()).toEqual(hidden);
    expect(() => a.copyFrom(new Uint8Array(33))).toThrow(RangeError);
    expect(() => a.copyFrom('x' as never)).toThrow(TypeError);
  });

  it('X15 hmac() takes the secret, and refuses a disposed one where a stale view would be the empty key', () => {
    const { memory } = opened();
    const secret = memory.adoptSync(hidden.slice());
    expect(hmac('sha256', secret, 'x')).toEqual(createHmac('sha256', hidden).update('x').digest());
    expect(hmac('sha256', secret, ['a', Buffer.from('b')])).toEqual(
      createHmac('sha256', hidden).update('ab').digest(),
    );
    let stale: Uint8Array = new Uint8Array();
    secret.read((bytes) => {
      stale = bytes;
    });
    const empty = createHmac('sha256', new Uint8Array()).update('x').digest();
    expect(createHmac('sha256', stale).update('x').digest()).toEqual(empty);
    secret.dispose();
    expect(thrown(() => hmac('sha256', secret, 'x')).code).toBe('ERR_SECMEM_DISPOSED');
    expect(hkdfSync('sha256', stale, '', '', 8).byteLength).toBe(8);
  });
});
