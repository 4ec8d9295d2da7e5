import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { say, tell } from './say.mjs';

/** The conformance suite with each backend, and what a receipt says here. */
const only = /securemem\.only=(\S+)/.exec(readFileSync('/proc/cmdline', 'latin1'))?.[1]?.split(',');

// The suite maps until the kernel refuses; with the usual limit an emulated processor needs an hour for what it reads of that.
const MAPPINGS_MAX = 2_000;
writeFileSync('/proc/sys/vm/max_map_count', String(MAPPINGS_MAX));

for (const backend of ['koffi', 'koffi-hidden', 'napi', 'napi-hidden']) {
  if (!(only?.includes(backend) ?? true)) continue;
  tell(`the suite with ${backend}`);
  const output = `/tmp/${backend}.json`;
  spawnSync(process.execPath, ['guest/suite.mjs', backend, output], { stdio: ['ignore', 1, 1] });
  const answer = existsSync(output)
    ? JSON.parse(readFileSync(output, 'utf8'))
    : { unavailable: 'the run ended with no report' };
  say({ [backend]: { ...summaryOf(answer), receipt: await receiptOf(backend) } });
}

/** @param {{ unavailable?: string, report?: import('@securemem/conformance').Report }} answer */
function summaryOf({ unavailable, report }) {
  if (report === undefined) return { unavailable };
  const not = report.results.filter(({ outcome }) => outcome !== 'passed');
  return {
    passed: report.results.length - not.length,
    others: not.map(({ id, outcome, reason }) => ({ id, outcome, reason })),
  };
}

/** @param {string} backend */
async function receiptOf(backend) {
  try {
    const { open } = await import(`../open-${backend}.mjs`);
    const memory = createAllocator({ backend: open() });
    const secret = memory.allocateSync(32);
    const { ok } = memory.verify();
    const { weaknesses, ...receipt } = secret.receipt;
    return {
      ok,
      ...receipt,
      weaknesses: weaknesses.map(({ field, reason }) => `${field}: ${reason}`),
    };
  } catch (error) {
    return { error: /** @type {Error} */ (error).message };
  }
}
