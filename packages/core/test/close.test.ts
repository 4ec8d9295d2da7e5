import { describe, expect, it } from 'vitest';
import { open, thrown, turn } from './fixture.js';

describe('close()', () => {
  it('waits for leases, then releases all; twice is one promise; new work is refused', async () => {
    const { memory, kernel } = open();
    const secret = memory.randomSync(32);
    const lease = secret.lend();
    const closing = memory.close();
    expect(memory.close()).toBe(closing);
    expect(thrown(() => memory.allocateSync(1)).code).toBe('ERR_SECMEM_CLOSED');
    expect(thrown(() => secret.lend()).code).toBe('ERR_SECMEM_CLOSED');
    await turn();
    expect(kernel.regionCount).toBe(1);
    lease.release();
    expect(await closing).toEqual({ secretsReleased: 1, byteLengthLeftMapped: 0 });
    expect(kernel.regionCount).toBe(0);
  });

  it('G6 with a short wait it is a typed timeout with nothing freed, and can be tried again', async () => {
    const { memory } = open();
    const lease = memory.randomSync(32).lend();
    await expect(memory.close({ waitMsMax: 20 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
    });
    expect(lease.bytes.some((byte) => byte !== 0)).toBe(true);
    lease.release();
    await memory.close();
  });

  it('rejects whoever waits', async () => {
    const { memory } = open({
      routing: { pooledByteLengthMax: 0 },
      budget: { lockedByteLengthMax: 4096 },
    });
    memory.allocateSync(32);
    const refused = expect(memory.allocate(32)).rejects.toMatchObject({
      code: 'ERR_SECMEM_CLOSED',
    });
    await memory.close();
    await refused;
  });
});
