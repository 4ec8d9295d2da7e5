import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type Confinement, confine, proveConfinement } from '@securemem/confined';
import { describe, expect, it, type TestContext } from 'vitest';

const FILL = join(import.meta.dirname, 'children/fill.mjs');
const KIB = 1024;

interface Printed {
  readonly held?: number;
  readonly code?: string;
  readonly message?: string;
  readonly details?: { readonly remedy: string; readonly hardLimitByteLength?: number };
}

/** Runs the child with a soft and a hard limit, after `before` in the shell that starts it. */
function fill(
  ctx: TestContext,
  [soft, hard]: readonly [number, number],
  args: readonly string[],
  before = 'true',
): Printed {
  const confinement: Confinement = {
    memlockByteLength: soft,
    memlockHardByteLength: hard,
    as: 'user',
  };
  const proof = proveConfinement(confinement);
  if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
  const shell = ['-c', `${before} && exec "$0" "$@"`, process.execPath, FILL, ...args];
  const line = confine('sh', shell, confinement);
  const { stdout, stderr } = spawnSync(line.command, line.args, { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Printed;
}

describe('the remedy of an error makes it go away', () => {
  it('ERR_SECMEM_LOCK_LIMIT: raising the limit to what it says', (ctx) => {
    const limits = [4 * KIB, 2048 * KIB] as const;
    const refused = fill(ctx, limits, ['2']);
    expect(refused.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    const [line] = refused.details?.remedy.match(/ulimit -l \d+/) ?? [];
    expect(refused.message).toContain(line);
    expect(fill(ctx, limits, ['2'], line)).toEqual({ held: 2 });
  });

  it('X2 ERR_SECMEM_LOCK_LIMIT under a limit of 0: the same', (ctx) => {
    const limits = [0, 2048 * KIB] as const;
    const refused = fill(ctx, limits, ['1']);
    expect(refused.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    const [line] = refused.details?.remedy.match(/ulimit -l \d+/) ?? [];
    expect(fill(ctx, limits, ['1'], line)).toEqual({ held: 1 });
  });

  it('ERR_SECMEM_LOCK_LIMIT: budget.raiseLimit where the hard limit allows it', (ctx) => {
    const limits = [4 * KIB, 2048 * KIB] as const;
    expect(fill(ctx, limits, ['2', '{"raiseLimit":true}'])).toEqual({ held: 2 });
  });

  it('A7 ERR_SECMEM_CANNOT_RAISE: a higher hard limit', (ctx) => {
    const args = ['2', JSON.stringify({ raiseLimit: true, lockedByteLengthMax: 64 * KIB })];
    const refused = fill(ctx, [4 * KIB, 8 * KIB], args);
    expect(refused.code).toBe('ERR_SECMEM_CANNOT_RAISE');
    expect(fill(ctx, [4 * KIB, 64 * KIB], args)).toEqual({ held: 2 });
  });
});
