import { describe, expect, it } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

interface Matrix {
  readonly faults: number;
  readonly untouched: readonly string[];
}

const WHERE = 'faults:eachCallOfEachScene';

describe.each(['koffi', 'koffi-hidden', 'ffi', 'ffi-hidden'])(
  'A9 the fault matrix, %s',
  (backend) => {
    it('each call of the contract fails at each position: typed errors, and nothing left locked', {
      timeout: 600_000,
    }, async (context) => {
      const result = ended(await runScenario<Matrix>(context, WHERE, backend));
      console.log(`${backend}: ${result.faults} failures left nothing`);
      expect(result.faults).toBeGreaterThan(100);
      // What failed nowhere would prove nothing.
      expect(result.untouched).toEqual([]);
    });
  },
);

it('A9 control: the matrix sees a secret that was forgotten', async (context) => {
  const options = { options: { forget: true } };
  const { code, stderr } = await runScenario<Matrix>(context, WHERE, 'koffi', options);
  expect(code).toBe(1);
  expect(stderr).toMatch(/secrets are counted/);
});
