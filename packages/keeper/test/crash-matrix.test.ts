import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  CRASH_CATEGORIES,
  type CrashPolicy,
  halt,
  isSecureMemoryError,
  retry,
  terminate,
} from '@securemem/core';
import { fullRunVariable, repetitions } from '@securemem/proof';
import { afterAll, describe, expect, it } from 'vitest';
import { CAUSES, CELLS, type Cell, expectedActivity, REPRESENTATIVE } from './crash-cells.js';
import { type Death, killKeeper } from './kill-keeper.js';

const HOST = new URL('./hosts/halt-with-exit.mjs', import.meta.url).pathname;
const full = process.env[fullRunVariable] === 'full';
const cells = full ? CELLS : REPRESENTATIVE;
const rows: string[] = [];

/** Restarts after everything, so that the whole row of a cause can be seen to come back. */
function retryEverything(): CrashPolicy {
  return retry({
    backoff: { baseMs: 2, capMs: 2 },
    categories: CRASH_CATEGORIES,
    retryShutdowns: true,
  });
}

function expectDeath(cell: Cell, { report, rejection, tookMs }: Death): void {
  const facts = { ...CAUSES[cell.cause], activity: expectedActivity(cell) };
  expect(report).toMatchObject(facts);
  expect(report.pid).toBeGreaterThan(0);
  expect(report.generation).toBe(1);
  if (cell.cause === 'heap exhaustion') expect(report.stderrTail).toContain('heap');
  if (cell.activity !== 'idle' || cell.cause === 'SIGSTOP') {
    expect(isSecureMemoryError(rejection, 'ERR_SECMEM_OUTCOME_UNKNOWN')).toBe(true);
    expect((rejection as { details: object }).details).toMatchObject({ crash: facts });
  }
  // The goal is one second after the cause, and what follows it in the keeper; ten times that is a fault.
  expect(tookMs).toBeLessThan(cell.cause === 'cpu limit' ? 60_000 : 10_000);
  rows.push(row(cell, report, tookMs));
}

function row(cell: Cell, report: Death['report'], tookMs: number): string {
  const status = report.signal ?? `exit ${report.code}`;
  const columns = [cell.cause, cell.activity, cell.policy, report.category, status];
  const padded = columns.map((column, index) => column.padEnd([16, 9, 15, 15, 8][index] ?? 0));
  return `${padded.join('  ')}  ${Math.round(tookMs)} ms`;
}

const inThisProcess: Record<'halt' | 'terminate' | 'retry', (cell: Cell) => Promise<void>> = {
  async halt(cell) {
    const { keeper, death, crashes } = await killKeeper(cell, halt());
    expectDeath(cell, death);
    const later = await keeper.call('echo').catch((error: unknown) => error);
    expect(isSecureMemoryError(later, 'ERR_SECMEM_KEEPER_HALTED')).toBe(true);
    expect((later as { details: object }).details).toMatchObject({ crash: death.report });
    expect(keeper.stats()).toMatchObject({ state: 'halted', pid: 0, openCalls: 0 });
    expect(crashes).toHaveLength(1);
    await keeper.close();
  },

  async terminate(cell) {
    const { keeper, death, crashes } = await killKeeper(cell, terminate());
    expectDeath(cell, death);
    const later = await keeper.call('echo').catch((error: unknown) => error);
    expect(isSecureMemoryError(later, 'ERR_SECMEM_KEEPER_LOST')).toBe(true);
    expect(keeper.stats()).toMatchObject({ state: 'lost', pid: 0, openCalls: 0 });
    expect(crashes).toHaveLength(1);
    await keeper.close();
  },

  async retry(cell) {
    const { keeper, death, crashes } = await killKeeper(cell, retryEverything());
    expectDeath(cell, death);
    // A call would wait for the restart too, but in the cells that hang not for long.
    while (keeper.stats().state !== 'ready') await new Promise((resolve) => setImmediate(resolve));
    const pid = Number(Buffer.from(await keeper.call('pid')).toString());
    expect(pid).not.toBe(death.report.pid);
    expect(keeper.stats()).toMatchObject({ state: 'ready', generation: 2, restarts: 1, pid });
    expect(await keeper.call('ownSecret')).toEqual(new Uint8Array([32]));
    expect(crashes).toHaveLength(1);
    await keeper.close();
  },
};

/** The host must die, so it is a process of its own, which prints the report that it saw first. */
async function haltWithExit(cell: Cell): Promise<void> {
  const host = spawn(process.execPath, [HOST, cell.cause, cell.activity], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const startedAtMs = performance.now();
  let stdout = '';
  let stderr = '';
  host.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  host.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  await once(host, 'close');
  const { category, signal, code } = CAUSES[cell.cause];
  expect(stdout).toBe('exit hook: secrets left 0\n');
  expect(stderr).toMatch(/^securemem: keeper \d+ \(life 1\) crashed, [^\n]*; halting\n$/);
  expect(stderr).toContain(`crashed, ${category}:`);
  expect(host.exitCode).toBe(70);
  const status = { signal, code, category } as Death['report'];
  rows.push(`${row(cell, status, performance.now() - startedAtMs)} (whole host)`);
}

describe.each(['busy', 'idle', 'callback'] as const)('a keeper that dies while %s', (activity) => {
  const ids = { busy: 'S1', idle: 'S2', callback: 'S3' };
  const mine = cells.filter((cell) => cell.activity === activity);

  it.each(mine)(
    `${ids[activity]} S5 S6 X9 by $cause under $policy`,
    { timeout: 600_000 },
    async (cell) => {
      for (let n = 0; n < repetitions(10); n++) {
        if (cell.policy === 'halt with exit') await haltWithExit(cell);
        else await inThisProcess[cell.policy](cell);
      }
    },
  );
});

afterAll(() => {
  console.log(`The crash matrix, ${rows.length} deaths:\n${rows.join('\n')}`);
});
