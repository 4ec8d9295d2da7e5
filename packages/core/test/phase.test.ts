import { describe, expect, it } from 'vitest';
import type { Phase, Secret } from '../src/index.js';
import { open, sleep, thrown, turn } from './fixture.js';

describe('phases', () => {
  it('Z5 a phase releases everything on return, and early return', async () => {
    const { memory } = open();
    let kept: Secret | undefined;
    const result = await memory.phase(async (phase) => {
      kept = await phase.allocate(32);
      phase.randomSync(64);
      return 'early';
    });
    expect(result).toBe('early');
    expect(kept?.disposed).toBe(true);
    expect(memory.stats().secrets).toBe(0);
  });

  it('Z5 on throw, and the error is the one thrown', async () => {
    const { memory } = open();
    const mine = new Error('mine');
    await expect(
      memory.phase((phase) => {
        phase.allocateSync(8192);
        throw mine;
      }),
    ).rejects.toBe(mine);
    expect(memory.stats().secrets).toBe(0);
  });

  it('Z5 on abort, while the function still runs', async () => {
    const { memory } = open();
    const abort = new AbortController();
    let late: unknown;
    const finished = new Promise<void>((resolve) => {
      void memory
        .phase(
          async (phase) => {
            phase.allocateSync(32);
            abort.abort('enough');
            await turn();
            await turn();
            late = thrown(() => phase.allocateSync(32)).code;
            resolve();
          },
          { signal: abort.signal },
        )
        .catch((reason: unknown) => expect(reason).toBe('enough'));
    });
    await finished;
    expect(late).toBe('ERR_SECMEM_CLOSED');
    expect(memory.stats().secrets).toBe(0);
    await expect(
      memory.phase(async () => {}, { signal: AbortSignal.abort('before') }),
    ).rejects.toBe('before');
  });

  it('Z5 a secret of the next phase is not touched by the end of the last', async () => {
    const { memory } = open();
    await memory.phase(async (phase) => void phase.allocateSync(8192)).catch(() => {});
    await memory.phase(async (phase) => {
      const filler = phase.allocateSync(32_768);
      filler.write((b) => b.fill(0xcc));
      await memory.phase(async (other) => void other.allocateSync(8192));
      expect(filler.read((b) => b.every((byte) => byte === 0xcc))).toBe(true);
    });
  });

  it('Z6 twenty phases that interleave at await each release their own hundred and no other', async () => {
    const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 ** 20 } } });
    const phases = Array.from({ length: 20 }, (_, i) =>
      memory.phase(async (phase) => {
        const secrets: Secret[] = [];
        for (let k = 0; k < 100; k++) {
          const secret = await phase.allocate(32);
          secret.write((b) => b.fill(i + 1));
          secrets.push(secret);
          if (k % (i + 1) === 0) await turn();
        }
        for (const secret of secrets) {
          expect(secret.read((b) => b.every((byte) => byte === i + 1))).toBe(true);
        }
        return secrets;
      }),
    );
    const all = (await Promise.all(phases)).flat();
    expect(all.every((secret) => secret.disposed)).toBe(true);
    expect(memory.stats().secrets).toBe(0);
  });

  it('Z6 control: a global "current phase" frees what another phase still uses', async () => {
    const { memory } = open();
    let current: Secret[] = [];
    const naive = async (fn: () => Promise<void>): Promise<void> => {
      current = [];
      await fn();
      for (const secret of current) secret.dispose();
    };
    let harmed = 0;
    await Promise.all(
      [1, 2].map((i) =>
        naive(async () => {
          for (let k = 0; k < 5; k++) {
            const secret = memory.allocateSync(32);
            current.push(secret);
            for (let t = 0; t < i; t++) await turn();
            if (secret.disposed) harmed++;
          }
        }),
      ),
    );
    expect(harmed).toBeGreaterThan(0);
    memory.purge();
  });

  it('keep() moves a secret to the parent; a stranger is refused', async () => {
    const { memory } = open();
    const stranger = memory.allocateSync(8);
    const kept = await memory.phase((outer) =>
      outer
        .phase((inner) => {
          const secret = inner.allocateSync(32);
          expect(thrown(() => inner.keep(stranger)).code).toBe('ERR_SECMEM_INPUT_INVALID');
          inner.keep(secret);
          expect(thrown(() => inner.keep(secret)).code).toBe('ERR_SECMEM_INPUT_INVALID');
          return secret;
        })
        .then((secret) => outer.keep(secret)),
    );
    expect(kept.disposed).toBe(false);
    expect(memory.stats().secrets).toBe(2);
  });

  it('child phases end with their parent', async () => {
    const { memory } = open();
    let inner: Phase | undefined;
    let childDone: Promise<unknown> | undefined;
    await memory.phase(async (outer) => {
      childDone = outer.phase(async (phase) => {
        inner = phase;
        phase.allocateSync(32);
        await sleep(20);
      });
      await turn();
    });
    expect(memory.stats().secrets).toBe(0);
    expect(thrown(() => inner?.allocateSync(1)).code).toBe('ERR_SECMEM_CLOSED');
    await childDone;
  });

  it('a request that waits when its phase ends is cancelled', async () => {
    const { memory } = open({
      routing: { pooledByteLengthMax: 0 },
      budget: { lockedByteLengthMax: 4096 },
    });
    const holder = memory.allocateSync(32);
    let waiting: Promise<unknown> | undefined;
    await memory.phase(async (phase) => {
      waiting = phase.allocate(32).catch((error: unknown) => error);
      await turn();
    });
    expect(await waiting).toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
    holder.dispose();
    expect(memory.stats().admission.waiting).toBe(0);
  });

  it('G3 a failing release does not keep the phase from releasing the rest, and does not mask the error', async () => {
    const { memory, backend } = open({ capabilities: { views: 'none' } });
    const mine = new Error('mine');
    await expect(
      memory.phase((phase) => {
        phase.allocateAllSync([32, 32, 32]);
        backend.fail('wipe', { on: 2 });
        throw mine;
      }),
    ).rejects.toBe(mine);
    expect(memory.stats().secrets).toBe(0);
    expect(memory.stats().events['release-failed']).toBe(1);
    backend.heal();
  });

  it('purge inside a phase ends its secrets, and the phase still ends well', async () => {
    const { memory } = open();
    await memory.phase(async (phase) => {
      const secret = phase.allocateSync(32);
      memory.purge();
      expect(secret.disposed).toBe(true);
      phase.allocateSync(32);
    });
    expect(memory.stats().secrets).toBe(0);
  });
});
