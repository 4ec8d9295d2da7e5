import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { proveConfinement } from '@securemem/confined';
import type { ProbeResult } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { nodeWithFfi } from '@securemem/launch/runtime';
import { napiBackend } from '@securemem/napi';
import { addr } from 'micro-eth-signer';
import { describe, expect, type TestContext, test } from 'vitest';
import { transactionFor } from '../src/storm/input.js';
import type { StormOptions } from '../src/storm/options.js';
import { runStorm } from '../src/storm/storm.js';
import { isGenuine } from '../src/storm/verification.js';

const STORM = fileURLToPath(new URL('../dist/storm.js', import.meta.url));
const WAITING: StormOptions = {
  backend: 'koffi',
  memlockByteLength: 65_536,
  budgetByteLength: undefined,
  concurrency: 200,
  requests: 400,
  placement: 'pooled',
  onCapacity: 'wait',
};
const THROWING: StormOptions = {
  ...WAITING,
  concurrency: 50,
  requests: 200,
  placement: 'page',
  onCapacity: 'throw',
};

/** Of each backend that locks: the Node that can open it, which for all but one is this one, or why there is none. */
const NODES = {
  koffi: () => thisNode(koffiBackend.probe()),
  napi: () => thisNode(napiBackend.probe()),
  ffi: nodeWithFfi,
} as const;
const BACKENDS = ['koffi', 'napi', 'ffi'] as const;

const thisNode = (probe: ProbeResult) =>
  probe.available ? { program: process.execPath } : { missing: probe.reason };

/** The Node to storm in. Skips the test where the backend or the confinement is not to be had. */
function needs(ctx: TestContext, backend: (typeof BACKENDS)[number]): string {
  const found = NODES[backend]();
  if ('missing' in found) return ctx.skip(`not proven: ${found.missing}`);
  const as = process.getuid?.() === 0 ? 'root' : 'user';
  const proof = proveConfinement({ memlockByteLength: 65_536, as });
  if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
  return found.program;
}

describe.each(BACKENDS)('a storm on %s', (backend) => {
  test('A2 waiting under a 64 KiB limit serves every request within the limit', async (ctx) => {
    const program = needs(ctx, backend);
    const report = await runStorm({ ...WAITING, backend }, undefined, program);
    expect(report).toMatchObject({
      confined: true,
      succeeded: 400,
      verified: 400,
      failedByCode: {},
      crashed: false,
      unhandledRejections: 0,
      lockedByteLengthAfter: report.lockedByteLengthBefore,
    });
    expect(report.admissionWaits).toBeGreaterThan(0);
    expect(report.peakLockedByteLength).toBeGreaterThanOrEqual(49_152);
    expect(report.peakLockedByteLength).toBeLessThanOrEqual(65_536);
  });

  test('A2 our own budget holds the line that the kernel does not', async (ctx) => {
    const program = needs(ctx, backend);
    const own = { memlockByteLength: 0, budgetByteLength: 65_536 };
    const report = await runStorm({ ...WAITING, ...own, backend }, undefined, program);
    expect(report).toMatchObject({ confined: false, succeeded: 400, verified: 400 });
    expect(report.admissionWaits).toBeGreaterThan(0);
    expect(report.peakLockedByteLength).toBeGreaterThanOrEqual(49_152);
    expect(report.peakLockedByteLength).toBeLessThanOrEqual(65_536);
  });

  test('A1 one page per secret, throwing, fails typed and never dies', async (ctx) => {
    const program = needs(ctx, backend);
    const report = await runStorm({ ...THROWING, backend }, undefined, program);
    expect(report).toMatchObject({ crashed: false, unhandledRejections: 0 });
    expect(Object.keys(report.failedByCode)).toEqual(['ERR_SECMEM_LOCK_LIMIT']);
    expect(report.succeeded).toBeGreaterThan(0);
    expect(report.succeeded + (report.failedByCode['ERR_SECMEM_LOCK_LIMIT'] ?? 0)).toBe(200);
    expect(report.verified).toBe(report.succeeded);
    expect(report.lockedByteLengthAfter).toBe(report.lockedByteLengthBefore);
  });
});

describe('a storm with its keys in a keeper', () => {
  const keeping: StormOptions = { ...WAITING, concurrency: 50, requests: 200 };

  test('S6 KS16 retry survives every kill: signing is repeated, and nobody is left without knowing', async (ctx) => {
    needs(ctx, 'koffi');
    const keeper = { crashPolicy: 'retry', chaos: 3 } as const;
    const report = await runStorm({ ...keeping, keeper });
    expect(report).toMatchObject({
      confined: true,
      crashed: false,
      keeperCrashes: 3,
      keeperRestarts: 3,
      unhandledRejections: 0,
      lockedByteLengthAfter: 0,
    });
    expect(report.succeeded).toBeGreaterThan(0);
    expect(report.verified).toBe(report.succeeded);
    // A call is repeated once: whoever met two of the three deaths is told so, and nothing is unknown.
    const crashed = report.failedByCode['ERR_SECMEM_KEEPER_CRASHED'] ?? 0;
    expect(report.failedByCode).not.toHaveProperty('ERR_SECMEM_OUTCOME_UNKNOWN');
    expect(report.succeeded + crashed).toBe(200);
    expect(crashed).toBeLessThan(100);
    expect(report.peakLockedByteLength).toBeGreaterThanOrEqual(49_152);
    expect(report.peakLockedByteLength).toBeLessThanOrEqual(65_536);
  });

  test('S6 halt stops at the first death and says what it was', async (ctx) => {
    needs(ctx, 'koffi');
    const keeper = { crashPolicy: 'halt', chaos: 1 } as const;
    const report = await runStorm({ ...keeping, keeper });
    expect(report).toMatchObject({ crashed: false, keeperCrashes: 1, keeperRestarts: 0 });
    expect(report.keeperCauses?.[0]).toContain('SIGKILL');
    expect(report.failedByCode['ERR_SECMEM_KEEPER_HALTED']).toBeGreaterThan(0);
    const failed = Object.values(report.failedByCode).reduce((a, b) => a + b, 0);
    expect(report.succeeded + failed).toBe(200);
  });

  test('without chaos serves every request', async (ctx) => {
    needs(ctx, 'koffi');
    const report = await runStorm({ ...keeping, keeper: { crashPolicy: 'terminate', chaos: 0 } });
    expect(report).toMatchObject({ succeeded: 200, verified: 200, keeperCrashes: 0 });
  });
});

describe('a storm without a limit', () => {
  test('A2 locks more than 64 KiB, so that the limit above is what held it', async (ctx) => {
    needs(ctx, 'koffi');
    const none = { memlockByteLength: 0, budgetByteLength: 1_048_576 };
    const report = await runStorm({ ...WAITING, ...none });
    expect(report.succeeded).toBe(400);
    expect(report.peakLockedByteLength).toBeGreaterThan(65_536);
  });

  test('on nolock says that nothing was locked', async () => {
    const report = await runStorm({ ...WAITING, backend: 'nolock', requests: 20 });
    expect(report).toMatchObject({ succeeded: 20, verified: 20, peakLockedByteLength: 0 });
  });
});

describe('verification', () => {
  const ours = addr.random();
  const signedBy = (privateKey: string, index: number) =>
    (
      transactionFor(index) as unknown as {
        signBy(key: string, extraEntropy: boolean): { toHex(): string };
      }
    )
      .signBy(privateKey, false)
      .toHex();

  test('accepts what was asked for, and refuses another sender, another transaction, and noise', () => {
    const senders = [ours.address];
    const genuine = { index: 7, account: 0, raw: signedBy(ours.privateKey, 7) };
    expect(isGenuine(genuine, senders)).toBe(true);
    expect(isGenuine({ ...genuine, raw: signedBy(addr.random().privateKey, 7) }, senders)).toBe(
      false,
    );
    expect(isGenuine({ ...genuine, index: 8 }, senders)).toBe(false);
    expect(isGenuine({ ...genuine, account: 1 }, senders)).toBe(false);
    expect(isGenuine({ ...genuine, raw: '0x00' }, senders)).toBe(false);
  });
});

describe('the storm command', () => {
  test.each([
    [['--backend', 'floppy'], '--backend'],
    [['--memlock', '64K'], '--memlock'],
    [['--requests', '0'], '--requests'],
    [['--placement', 'heap'], '--placement'],
    [['--backend', 'nolock', '--kernel-hidden', 'off'], '--kernel-hidden'],
    [['--chaos', '1'], '--chaos'],
    [['--keeper', '--crash-policy', 'pray'], '--crash-policy'],
    [['--unheard-of'], '--unheard-of'],
    [['stray'], 'stray'],
  ])('%s is one clear line and exit code 2', (args, named) => {
    const { status, stdout, stderr } = run(args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(named);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  test('--json prints one object with every field and nothing else', () => {
    const { status, stdout } = run(['--backend', 'nolock', '--requests', '5', '--json']);
    expect(status).toBe(0);
    expect(Object.keys(JSON.parse(stdout))).toEqual([
      'backend',
      'placement',
      'onCapacity',
      'memlockByteLength',
      'budgetByteLength',
      'confined',
      'concurrency',
      'requests',
      'succeeded',
      'verified',
      'failedByCode',
      'crashed',
      'admissionWaits',
      'queueLengthPeak',
      'peakLockedByteLength',
      'lockedByteLengthBefore',
      'lockedByteLengthAfter',
      'unhandledRejections',
      'wallMs',
      'signMs',
      'verifyMs',
      'requestsPerSecond',
    ]);
  });

  test('--help explains every option', () => {
    const { status, stdout } = run(['--help']);
    expect(status).toBe(0);
    for (const name of ['backend', 'memlock', 'budget', 'concurrency', 'requests', 'json']) {
      expect(stdout).toContain(`--${name}`);
    }
  });
});

function run(args: readonly string[]) {
  return spawnSync(process.execPath, [STORM, ...args], { encoding: 'utf8' });
}
