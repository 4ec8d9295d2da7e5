import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { describe, expect, it, type TestContext } from 'vitest';
import { needsWindows, project, runUnderWine } from './windows.js';

const MIB_8 = 8 * 1024 * 1024;
const KIB_64 = 64 * 1024;
const REQUESTS = 200;

/** Runs a program of this directory in the project. */
function run(file: string, memlockByteLength: number, args: readonly string[]) {
  copyFileSync(new URL(file, import.meta.url), join(project, file));
  return runUnderWine(file, memlockByteLength, args);
}

/** The library that signs in the demo; its package has a binary for Windows. */
function bringSecp256k1(): void {
  const require = createRequire(join(root, 'apps', 'signer', 'package.json'));
  const from = dirname(require.resolve('secp256k1/package.json'));
  const to = join(project, 'node_modules', 'secp256k1');
  cpSync(from, to, {
    recursive: true,
    filter: (path) => !path.startsWith(join(from, 'node_modules')),
  });
}

/** The addon for Windows with calls that can be made to fail. */
function bringFaults(ctx: TestContext): void {
  const addon = join(root, 'packages', 'backend-napi');
  const build = join(addon, 'scripts', 'build-native.mjs');
  const args = [build, '--test', '--target', 'win32-x64'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status === 3) ctx.skip('not proven: no compiler for Windows (mingw-w64)');
  expect(status, stderr).toBe(0);
  const place = join('prebuilds', 'win32-x64');
  mkdirSync(join(project, 'faults', place), { recursive: true });
  copyFileSync(
    join(addon, 'build', 'test-win32-x64', place, 'securemem.node'),
    join(project, 'faults', place, 'securemem.node'),
  );
}

describe('Windows, as Wine shows it', { timeout: 180_000 }, () => {
  it.for(['napi', 'koffi'])(
    'A11 %s offers read-only at most, and X2 calls the refusal of VirtualLock a lock limit',
    (backend, ctx) => {
      needsWindows(ctx, backend);
      const { status, said } = run('limits.mjs', MIB_8, [backend]);
      expect(status).toBe(0);
      expect(said).toEqual({
        code: 'ERR_SECMEM_LOCK_LIMIT',
        errno: 5,
        closed: 'ERR_SECMEM_NOT_SUPPORTED',
        protection: 'read-only',
        again: true,
      });
    },
  );

  it.for(['napi', 'koffi'])(
    'A1 A2 %s signs every request of a storm that 64 KiB have no room for at once, pooled; with a page for each secret most fail',
    (backend, ctx) => {
      needsWindows(ctx, backend);
      bringSecp256k1();
      const { status, said } = run('pooled-storm.mjs', KIB_64, [backend, String(REQUESTS)]);
      expect(status).toBe(0);
      type Storm = {
        verified: number;
        failedByCode: Record<string, number>;
        admission: { waits: number; waiting: number };
      };
      const { limit, again, pooled, thrown, unhandledRejections } = said as {
        limit: object;
        again: object;
        pooled: Storm;
        thrown: Storm;
        unhandledRejections: number;
      };
      // The limit binds, and after both storms as many pages are to be had as before.
      expect(limit).toEqual({ pages: 16, code: 'ERR_SECMEM_LOCK_LIMIT', errno: 5 });
      expect(again).toEqual(limit);
      expect(pooled).toMatchObject({ verified: REQUESTS, failedByCode: {} });
      expect(pooled.admission.waits).toBeGreaterThan(0);
      expect(pooled.admission.waiting).toBe(0);
      expect(thrown.verified).toBeGreaterThan(0);
      expect(thrown.failedByCode).toEqual({ ERR_SECMEM_LOCK_LIMIT: REQUESTS - thrown.verified });
      expect(thrown.verified).toBeLessThan(REQUESTS);
      expect(unhandledRejections).toBe(0);
    },
  );

  it('X2 napi calls 5 and 1453 of VirtualLock a lock limit, and other numbers not', (ctx) => {
    needsWindows(ctx, 'napi');
    bringFaults(ctx);
    const { status, said } = run('refusals.mjs', MIB_8, ['napi', '5', '1453', '8', '87']);
    expect(status).toBe(0);
    const refused = (code: string, errno: number) => ({ code, errno, syscall: 'VirtualLock' });
    expect(said).toEqual({
      refusals: [
        refused('ERR_SECMEM_LOCK_LIMIT', 5),
        refused('ERR_SECMEM_LOCK_LIMIT', 1453),
        refused('ERR_SECMEM_OUT_OF_MEMORY', 8),
        refused('ERR_SECMEM_PLATFORM', 87),
      ],
      mapsAgain: true,
    });
  });
});
