import { repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { ended, needs, type Outcome, runScenario } from '../src/run-scenario.js';

interface Modelled {
  steps: number;
  faults: number;
  waits: number;
  timers: number;
  /** What subscribers did, by kind. */
  deeds: Record<string, number>;
}
interface Mode {
  readonly atRest: 'accessible' | 'read-only' | 'no-access';
  readonly views: boolean;
}

/** Each backend in every mode that it has; the steps of a backend are shared out among its modes. */
const MODES: Record<string, readonly Mode[]> = {
  fake: [
    { atRest: 'accessible', views: true },
    { atRest: 'no-access', views: true },
    { atRest: 'read-only', views: false },
  ],
  nolock: [{ atRest: 'accessible', views: false }],
  koffi: [
    { atRest: 'accessible', views: true },
    { atRest: 'no-access', views: true },
    { atRest: 'accessible', views: false },
  ],
  napi: [
    { atRest: 'accessible', views: true },
    { atRest: 'no-access', views: true },
  ],
  ffi: [
    { atRest: 'accessible', views: true },
    { atRest: 'no-access', views: true },
  ],
  'ffi-hidden': [{ atRest: 'accessible', views: true }],
  'koffi-hidden': [{ atRest: 'no-access', views: true }],
  'napi-mlock': [
    { atRest: 'accessible', views: true },
    { atRest: 'read-only', views: true },
  ],
};

/** A million for each backend under `test:full`, ten thousand otherwise. */
const STEPS = repetitions(10) === 10 ? 1_000_000 : 10_000;

async function run(
  context: TestContext,
  backend: string,
  options: Mode & { steps: number; broken?: 'wipe' | 'close' },
): Promise<Outcome<Modelled> & { seed: number }> {
  if (backend !== 'fake') needs(context, backend);
  // Chosen here, so that it is known even when the process dies.
  const seed = Math.floor(Math.random() * 0x7fff_ffff);
  const name = backend === 'fake' ? 'nolock' : backend;
  const where = backend === 'fake' ? 'model:theFakeAgainstTheModel' : 'model:againstTheModel';
  const outcome = await runScenario<Modelled>(context, where, name, {
    options: { ...options, seed },
  });
  return { ...outcome, seed };
}

describe.each(Object.keys(MODES))('the allocator against a model, %s', (backend) => {
  const modes = MODES[backend] ?? [];
  for (const mode of modes) {
    const what = `${mode.atRest} at rest, ${mode.views ? 'views' : 'copies'}`;
    it(`keeps every content, shows no other, and counts exactly, ${what}`, {
      timeout: 3_600_000,
    }, async (context) => {
      const steps = Math.ceil(STEPS / modes.length);
      const outcome = await run(context, backend, { ...mode, steps });
      if (outcome.signal !== null) throw new Error(`${outcome.signal} with seed ${outcome.seed}`);
      const result = ended(outcome);
      const { seed } = outcome;
      console.log(`${backend}, ${what}: ${result.steps} steps hold the model, seed ${seed}`);
      expect(result.steps).toBeGreaterThanOrEqual(steps);
      expect(result.faults).toBeGreaterThan(steps / 50);
      expect(result.waits).toBeGreaterThan(steps / 400);
      expect(result.timers).toBe(0);
      const deeds = Object.values(result.deeds).reduce((sum, count) => sum + count, 0);
      expect(deeds, 'what subscribers did').toBeGreaterThan(steps / 300);
    });
  }
});

describe('the model, where a protection is taken out', () => {
  for (const [broken, views, complaint] of [
    [
      'wipe',
      false,
      /a released place does not read zero|does not hold what it should|were overwritten/,
    ],
    // A view that was never closed also keeps its region from being unmapped.
    [
      'close',
      true,
      /a (closed view|released lease) shows something|close\(\) leaves something mapped/,
    ],
  ] as const) {
    it(`control: sees that ${broken}() does nothing`, async (context) => {
      const mode = { atRest: 'accessible', views, steps: 300, broken } as const;
      const { code, stderr } = await run(context, 'napi-mlock', mode);
      expect(code).toBe(1);
      expect(stderr).toMatch(complaint);
      expect(stderr).toMatch(/seed \d+/);
    });
  }
});
