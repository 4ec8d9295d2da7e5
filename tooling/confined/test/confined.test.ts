import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { confine, proveConfinement } from '../src/index.mjs';
import { judge, runProbe } from '../src/prove.mjs';

const probeFile = fileURLToPath(new URL('../src/probe.mjs', import.meta.url));
const mainFile = fileURLToPath(new URL('../src/main.mjs', import.meta.url));
const kib64 = 65_536;
const mib1 = 1_048_576;
const identities = ['root', 'user'] as const;

function requireProof(ctx: TestContext, as: 'root' | 'user', memlockByteLength = kib64) {
  const proof = proveConfinement({ memlockByteLength, as });
  if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
}

function probe(pages: number, confinement: Parameters<typeof confine>[2]) {
  const { command, args } = confine(process.execPath, [probeFile, String(pages)], confinement);
  return runProbe(command, args);
}

function run(...args: string[]) {
  return spawnSync(process.execPath, [mainFile, ...args], { encoding: 'utf8' });
}

describe.each(identities)('as %s', (as) => {
  it('X1 confine() at 64 KiB refuses the 17th page', (ctx) => {
    requireProof(ctx, as);
    expect(probe(64, { memlockByteLength: kib64, as })).toMatchObject({
      lockedPages: 16,
      errno: 12,
    });
  });

  it('X2 confine() at 0 refuses the first page with EPERM', (ctx) => {
    requireProof(ctx, as, 0);
    expect(probe(1, { memlockByteLength: 0, as })).toMatchObject({ lockedPages: 0, errno: 1 });
  });

  it('X4 confine() with a higher hard limit is still bound by the soft one', (ctx) => {
    requireProof(ctx, as);
    expect(probe(64, { memlockByteLength: kib64, memlockHardByteLength: mib1, as })).toMatchObject({
      lockedPages: 16,
      errno: 12,
    });
  });

  it('confined -- runs the command and passes its exit code and its signal on', (ctx) => {
    requireProof(ctx, as);
    expect(run('--as', as, '--', 'sh', '-c', 'test "$(ulimit -l)" = 64 && exit 7').status).toBe(7);
    expect(run('--as', as, '--', 'sh', '-c', 'kill -KILL $$').signal).toBe('SIGKILL');
  });
});

it('X1 the same limit with CAP_IPC_LOCK binds nobody, and is reported as not proven', (ctx) => {
  const outcome = runProbe('prlimit', [
    `--memlock=${kib64}:${kib64}`,
    process.execPath,
    probeFile,
    '17',
  ]);
  if ('reason' in outcome) return ctx.skip(`not proven: ${outcome.reason}`);
  if (outcome.errno !== 0) return ctx.skip('not proven: no CAP_IPC_LOCK here to ignore the limit');
  expect(outcome.lockedPages).toBe(17);
  expect(judge(outcome, kib64)).toMatchObject({ proven: false });
});

describe('judge()', () => {
  const probed = { pageByteLength: 4096, lockedPages: 16, errno: 12 };

  it('accepts exactly the pages of the limit', () => {
    expect(judge(probed, kib64)).toEqual({ proven: true });
  });

  it.each([
    ['a lock that stops early', { ...probed, lockedPages: 15 }],
    ['another errno', { ...probed, errno: 1 }],
    ['no refusal', { ...probed, lockedPages: 17, errno: 0 }],
    ['a probe that did not run', { reason: 'prlimit is not installed' }],
  ])('does not accept %s', (_name, outcome) => {
    expect(judge(outcome, kib64)).toMatchObject({ proven: false });
  });
});

it('proveConfinement() names the tool that is missing', () => {
  expect(runProbe('a-tool-that-nobody-has', [])).toEqual({
    reason: 'a-tool-that-nobody-has is not installed',
  });
});

it('proveConfinement() probes once in a process', () => {
  const confinement = { memlockByteLength: kib64, as: 'user' } as const;
  expect(proveConfinement(confinement)).toBe(proveConfinement({ ...confinement }));
});

it('confine() refuses limits that are not whole byte counts', () => {
  for (const memlockByteLength of [-1, 1.5, Number.NaN, '65536' as unknown as number]) {
    expect(() => confine('true', [], { memlockByteLength, as: 'user' })).toThrow(RangeError);
  }
  expect(() =>
    confine('true', [], { memlockByteLength: 2, memlockHardByteLength: 1, as: 'user' }),
  ).toThrow(RangeError);
});

it('confined exits 2 for a bad option, and 125 without starting what it cannot confine', () => {
  expect(run('--memlock', 'x', '--', 'true')).toMatchObject({ status: 2, stdout: '' });
  expect(run()).toMatchObject({ status: 2 });
  const refused = run('--memlock', String(2 ** 40), '--', 'echo', 'started');
  expect(refused).toMatchObject({ status: 125, stdout: '' });
  expect(refused.stderr).toMatch(/^confined: not proven: /);
});
