import { spawnSync } from 'node:child_process';
import { describe, expect, it, type TestContext } from 'vitest';
import { runChild } from './children.js';

const KIB_64 = [65_536, 65_536] as const;

/** A limit that does not bind proves nothing: the seventeenth page must be refused to a bare mlock, too. */
function requireConfinement(ctx: TestContext): void {
  const missing = spawnSync('setpriv', ['--version']).error ?? spawnSync('prlimit', ['-V']).error;
  if (missing !== undefined) ctx.skip('not proven: prlimit and setpriv are needed to set limits');
  if (process.getuid?.() !== 0) ctx.skip('not proven: dropping CAP_IPC_LOCK needs root');
}

/** Maps page after page and reports the first refusal. */
const FILL = (kernelHidden: string) => `
  const backend = napiBackend({ kernelHidden: '${kernelHidden}' });
  const regions = [];
  let refusal;
  while (refusal === undefined && regions.length < 100) {
    try { regions.push(backend.map(4096)); } catch (error) { refusal = error; }
  }
  const { code, errno, syscall, details } = refusal ?? {};
  const locked = status('VmLck');
  backend.unmap(regions.pop());
  backend.map(4096);
  say({ pages: regions.length + 1, code, errno, syscall, details, locked, limit: backend.lockLimit() });
`;

describe('limits', () => {
  it.for([
    ['off', 12, 'mlock'],
    ['require', 11, 'mmap'],
  ] as const)(
    'X2 map() with kernelHidden %s throws ERR_SECMEM_LOCK_LIMIT on the seventeenth page of 64 KiB',
    ([kernelHidden, errno, syscall], ctx) => {
      requireConfinement(ctx);
      const { result, stderr } = runChild(FILL(kernelHidden), { memlock: KIB_64 });
      if (stderr.includes('BACKEND_UNAVAILABLE'))
        return ctx.skip('not proven: no memfd_secret here');
      expect(result).toMatchObject({
        pages: 16,
        code: 'ERR_SECMEM_LOCK_LIMIT',
        errno,
        syscall,
        locked: 64,
        limit: { kind: 'bytes', byteLength: 65_536 },
        details: {
          limit: 'lock',
          requestedByteLength: 4096,
          inUseByteLength: 65_536,
          limitByteLength: 65_536,
        },
      });
    },
  );

  it('M12 probe() under a limit of 0 is unavailable with the reason, and map() throws LOCK_LIMIT', (ctx) => {
    requireConfinement(ctx);
    const { result } = runChild(
      `
      const probe = napiBackend.probe();
      const outcomes = [];
      for (const kernelHidden of ['off', 'prefer']) {
        const backend = napiBackend({ kernelHidden });
        outcomes.push(attempt(() => backend.map(4096)), attempt(() => backend.raiseLockLimit(4096)));
      }
      say({ probe, outcomes, locked: status('VmLck') });
    `,
      { memlock: [0, 0] },
    );
    expect(result).toEqual({
      probe: { available: false, reason: expect.stringContaining('RLIMIT_MEMLOCK') },
      outcomes: Array(2).fill(['ERR_SECMEM_LOCK_LIMIT', 'ERR_SECMEM_CANNOT_RAISE']).flat(),
      locked: 0,
    });
  });

  it('A7 raiseLockLimit() goes up to the hard limit and throws CANNOT_RAISE beyond it', (ctx) => {
    requireConfinement(ctx);
    const { result } = runChild(
      `
      const backend = napiBackend();
      const beyond = attempt(() => backend.raiseLockLimit(2 ** 21));
      const unchanged = backend.lockLimit();
      say({ beyond, unchanged, raised: backend.raiseLockLimit(2 ** 20), lower: backend.raiseLockLimit(1) });
    `,
      { memlock: [65_536, 2 ** 20] },
    );
    expect(result).toEqual({
      beyond: 'ERR_SECMEM_CANNOT_RAISE',
      unchanged: { kind: 'bytes', byteLength: 65_536 },
      raised: { kind: 'bytes', byteLength: 2 ** 20 },
      lower: { kind: 'bytes', byteLength: 2 ** 20 },
    });
  });

  it('A16 lockLimit() in a user namespace is the limit that bites, though CAP_IPC_LOCK shows as effective', (ctx) => {
    requireConfinement(ctx);
    const wrapper = ['prlimit', '--memlock=65536:65536', 'unshare', '--user', '--map-root-user'];
    if (spawnSync('unshare', ['--user', '--map-root-user', 'true']).status !== 0) {
      ctx.skip('not proven: user namespaces are not to be had here');
    }
    const { result } = runChild(FILL('off'), { wrapper });
    expect(result).toMatchObject({ pages: 16, limit: { kind: 'bytes', byteLength: 65_536 } });
  });

  it('X3 map() short of the mapping limit throws ERR_SECMEM_MAP_LIMIT with the counts, and unmap() still works', (ctx) => {
    const { result, stderr } = runChild(`
      const backend = napiBackend({ kernelHidden: 'off' });
      const regions = [];
      let refusal;
      while (refusal === undefined && regions.length < 40_000) {
        try { regions.push(backend.map(4096)); } catch (error) { refusal = error; }
      }
      const { code, message, syscall, details } = refusal ?? {};
      backend.protect(regions[5], 'no-access');
      backend.protect(regions[5], 'read-write');
      for (const region of regions.splice(100)) backend.unmap(region);
      backend.map(4096);
      say({ limit: backend.lockLimit().kind, code, message, syscall, details });
    `);
    expect(stderr).toBe('');
    const seen = result as { limit: string; code?: string; details: Record<string, number> };
    if (seen.limit === 'bytes')
      ctx.skip('not proven: the lock limit is reached before the mappings');
    if (seen.code === undefined)
      ctx.skip('not proven: this system allows more mappings than were made');
    expect(seen).toMatchObject({
      code: 'ERR_SECMEM_MAP_LIMIT',
      message: expect.stringContaining('the number of mappings of this process is exhausted'),
      details: { limit: 'mappings', requestedByteLength: 4096, mappingsReserved: 128 },
    });
    // No system call was refused: the engine, which dies without a mapping, keeps the last ones.
    expect(seen).not.toHaveProperty('syscall');
    const { mappings = 0, mappingsMax = 0, mappingsReserved = 0 } = seen.details;
    expect(mappings + 3).toBeGreaterThan(mappingsMax - mappingsReserved);
    expect(mappings).toBeLessThanOrEqual(mappingsMax);
  }, 60_000);

  it('opening under --permission throws ERR_SECMEM_BACKEND_UNAVAILABLE and names --allow-addons', (ctx) => {
    const flag = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission';
    const { result, code, stderr } = runChild('say(napiBackend.probe())', {
      nodeOptions: [flag, '--allow-fs-read=*'],
    });
    if (code === 9) ctx.skip('not proven: this Node has no permission model');
    expect(result, stderr).toMatchObject({
      available: false,
      reason: expect.stringContaining('--allow-addons'),
    });
  });
});
