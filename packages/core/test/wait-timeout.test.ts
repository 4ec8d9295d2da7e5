import { expect, it } from 'vitest';
import { open, PAGE } from './fixture.js';

/** A large request waits first, and was overtaken as often as may be: from now on nobody gets even a free slot. */
async function overtaken() {
  const fixture = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: 2 * PAGE } } });
  const { memory } = fixture;
  const held = memory.allocateSync(PAGE);
  const small = [memory.allocateSync(64)];
  const large = memory.allocate(PAGE);
  for (let i = 0; i < 16; i++) small.push(await memory.allocate(64));
  return { ...fixture, held, small, large };
}

it('A5 allocate() behind a request that may not be overtaken takes no slot with it when it times out', async () => {
  const { memory, held, large } = await overtaken();
  await expect(memory.allocate(64, { waitMsMax: 1 })).rejects.toMatchObject({
    code: 'ERR_SECMEM_WAIT_TIMEOUT',
    details: { boundBy: 'queue' },
  });
  const { secrets, primary } = memory.stats();
  expect(primary.slabs.reduce((sum, slab) => sum + slab.live, 0)).toBe(secrets - 1);
  held.dispose();
  (await large).dispose();
});

it('A5 allocate() under a limit that was lowered meanwhile takes no slot while it waits its turn', async () => {
  const { memory, kernel, held, large } = await overtaken();
  kernel.setLockLimit({ kind: 'bytes', byteLength: 0 }, { kind: 'unlimited' });
  const waiting = memory.allocate(64);
  const { secrets, primary } = memory.stats();
  expect(primary.slabs.reduce((sum, slab) => sum + slab.live, 0)).toBe(secrets - 1);
  kernel.setLockLimit({ kind: 'bytes', byteLength: 2 * PAGE });
  held.dispose();
  (await large).dispose();
  (await waiting).dispose();
});
