import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { needs } from '../src/run-scenario.js';

const MAIN = fileURLToPath(new URL('../src/million/main.mjs', import.meta.url));
const run = promisify(execFile);
/** A tenth in every run of the tests; the whole million with the full ones. */
const SECRETS = repetitions(1_000_000);

type Figures = Record<string, number>;

async function million(
  context: TestContext,
  backend: string,
  ...options: string[]
): Promise<Figures> {
  needs(context, backend, options.includes('--memlock') ? { memlock: 65_536 } : {});
  const args = [MAIN, '--backend', backend, '--secrets', String(SECRETS), '--json', ...options];
  const { stdout } = await run(process.execPath, args);
  return JSON.parse(stdout);
}

/** What ffi shares with koffi is nearly all of it, so its million is one of the full run. */
const BACKENDS = SECRETS === 1_000_000 ? ['koffi', 'napi', 'ffi'] : ['koffi', 'napi'];

describe.each(BACKENDS)(`${SECRETS} secrets of 64 bytes, %s`, (backend) => {
  it('M2 all locked: at most 80 bytes each, under 1,000 mappings, no slower at the end, nothing left', async (context) => {
    const figures = await million(context, backend);
    expect(figures).toMatchObject({
      secrets: SECRETS,
      verified: SECRETS,
      lockedByteLengthAfter: 0,
    });
    expect(figures['lockedByteLengthPerSecret']).toBeLessThanOrEqual(80);
    expect(figures['mapsAdded']).toBeLessThan(1_000);
    expect(figures['heapByteLengthPerSecret']).toBeLessThanOrEqual(100);
    // The goal is 1.5 times; what a busy machine does to it is not what is tested here.
    expect(figures['lastSliceNs']).toBeLessThan(15 * Number(figures['firstSliceNs']));
  }, 300_000);

  it('M3 all sealed under 64 KiB: never more than that locked, 10,000 opened by 50 users, all right', async (context) => {
    const figures = await million(context, backend, '--sealed', '--memlock', '65536');
    expect(figures).toMatchObject({
      secrets: SECRETS,
      verified: SECRETS,
      opened: 10_000,
      openedCorrectly: 10_000,
      lockedByteLengthAfter: 0,
    });
    expect(figures['peakLockedByteLength']).toBeLessThanOrEqual(65_536);
    expect(figures['mapsAdded']).toBeLessThan(1_000);
    expect(figures['ordinaryByteLengthPerSecret']).toBeLessThanOrEqual(160);
  }, 300_000);
});

it('M2 more locked secrets than 8 MiB hold are refused by name, and the process ends with one error', async (context) => {
  needs(context, 'koffi', { memlock: 8 * 1_048_576 });
  const args = [
    MAIN,
    '--backend',
    'koffi',
    '--secrets',
    '200000',
    '--json',
    '--memlock',
    '8388608',
  ];
  const failed = await run(process.execPath, args).catch((error) => error);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/ERR_SECMEM_(CANNOT_RAISE|LOCK_LIMIT)/);
}, 60_000);
