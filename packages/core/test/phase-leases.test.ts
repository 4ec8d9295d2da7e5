import { describe, expect, it } from 'vitest';
import type { Lease, Secret } from '../src/index.js';
import { type Fixture, open, sleep, turn } from './fixture.js';

describe('the end of a phase with leases open', () => {
  it('Z8 the end waits for work in flight, and never frees under it', async () => {
    const { memory } = open();
    let lease: Lease | undefined;
    let ended = false;
    const phase = memory
      .phase(async (p) => {
        const secret = p.randomSync(32);
        lease = secret.lend();
      })
      .then(() => {
        ended = true;
      });
    await sleep(20);
    expect(ended).toBe(false);
    expect(lease?.bytes.length).toBe(32);
    lease?.release();
    await phase;
    expect(memory.stats().secrets).toBe(0);
  });

  it("Z8 onOpenAccess 'throw' refuses, and the bytes stay until the lease is released", async () => {
    const { memory } = open();
    let lease: Lease | undefined;
    const ending = memory.phase(
      async (p) => {
        lease = p.randomSync(32).lend();
      },
      {
        onOpenAccess: 'throw',
      },
    );
    await expect(ending).rejects.toMatchObject({ code: 'ERR_SECMEM_IN_USE' });
    expect(lease?.bytes.some((byte) => byte !== 0)).toBe(true);
    expect(memory.stats().secrets).toBe(1);
    lease?.release();
    expect(memory.stats().secrets).toBe(0);
  });

  it('Z8 the wait for open leases has a maximum', async () => {
    const { memory } = open();
    let lease: Lease | undefined;
    const ending = memory.phase(
      async (p) => {
        lease = p.randomSync(32).lend();
      },
      {
        waitMsMax: 10,
      },
    );
    await expect(ending).rejects.toMatchObject({ code: 'ERR_SECMEM_WAIT_TIMEOUT' });
    expect(lease?.bytes.length).toBe(32);
    lease?.release();
  });

  it('Z8 a phase ends after a child phase that waits for a lease already', async () => {
    const { memory } = open();
    let lease: Lease | undefined;
    let child: Promise<void> | undefined;
    let ended = false;
    const parent = memory
      .phase(async (outer) => {
        child = outer.phase((inner) => {
          lease = inner.randomSync(32).lend();
        });
        await turn();
      })
      .then(() => {
        ended = true;
      });
    for (let i = 0; i < 5; i++) await turn();
    expect(ended).toBe(false);
    expect(lease?.bytes.length).toBe(32);
    lease?.release();
    await parent;
    expect(memory.stats().secrets).toBe(0);
    await child;
  });

  it('Z8 what the end of a child phase throws is told to both', async () => {
    const { memory } = open();
    let lease: Lease | undefined;
    let child: Promise<unknown> | undefined;
    // Both end in the turn that begins the wait: its timer cannot come in between.
    const parent = memory.phase((outer) => {
      child = outer
        .phase(
          (inner) => {
            lease = inner.randomSync(32).lend();
          },
          { waitMsMax: 10 },
        )
        .catch((error: unknown) => error);
    });
    const told = await parent.catch((error: unknown) => error);
    expect(told).toMatchObject({ code: 'ERR_SECMEM_WAIT_TIMEOUT' });
    expect(await child).toBe(told);
    lease?.release();
  });

  it.each([
    ['disposed', (secret: Secret) => secret.dispose()],
    ['purged', (_: Secret, { memory }: Fixture) => memory.purge()],
  ])('Z8 the end waits for the lease of a secret that was %s meanwhile', async (_, end) => {
    const fixture = open();
    let lease: Lease | undefined;
    let ended = false;
    const phase = fixture.memory
      .phase((p) => {
        const secret = p.randomSync(32);
        lease = secret.lend();
        end(secret, fixture);
      })
      .then(() => {
        ended = true;
      });
    for (let i = 0; i < 5; i++) await turn();
    expect(ended).toBe(false);
    expect(lease?.bytes.length).toBe(32);
    lease?.release();
    await phase;
    expect(fixture.memory.stats()).toMatchObject({ secrets: 0, openAccesses: 0 });
  });

  it('Z8 the end does not wait for leases that were released, of whatever became of their secrets', async () => {
    const { memory } = open();
    await memory.phase(
      (p) => {
        const [disposed, released] = p.allocateAllSync([32, 32]) as [Secret, Secret];
        const leases = [disposed.lend(), released.lend()];
        disposed.dispose();
        for (const lease of leases) lease.release();
      },
      { onOpenAccess: 'throw' },
    );
    expect(memory.stats().secrets).toBe(0);
  });
});
