import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type CheckedBlock, checkBlocks, ROOT, runnable } from './blocks.js';

const blocks = checkBlocks();
const whole = blocks.filter(({ fragment, problems }) => !fragment && problems.length === 0);

/** Programs of the documentation end by themselves, and soon. */
const RUN_MS_MAX = 20_000;

describe('code in the documentation', () => {
  it('is there, and most of it can be run as it stands', () => {
    expect(blocks.length).toBeGreaterThan(15);
    expect(whole.length).toBeGreaterThan(blocks.length / 2);
  });

  it.each(blocks)('compiles: $name', ({ problems }) => {
    expect(problems).toEqual([]);
  });

  it.each(whole)('runs: $name', (block: CheckedBlock) => {
    const { status, signal, stderr } = spawnSync(process.execPath, [runnable(block)], {
      cwd: ROOT,
      encoding: 'utf8',
      timeout: RUN_MS_MAX,
    });
    expect({ status, signal, stderr: status === 0 ? '' : stderr }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
    });
  });
});
