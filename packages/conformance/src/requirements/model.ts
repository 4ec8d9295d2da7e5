import type { Context } from '../context.js';
import type { Confinement } from '../evidence/evidence.js';
import { expect } from '../expectation.js';
import type { Requirement } from '../requirement.js';

/** So tight that maps fail all the time in a random sequence. */
const TIGHT: Confinement = { softByteLength: 65_536, hardByteLength: 65_536 };
const RUNS = 60;
const RUNS_THOROUGH = 2000;

interface Outcome {
  readonly failed: boolean;
  readonly seed: number;
  readonly path: string | null;
  readonly sequence?: string;
  readonly error?: string;
}

function expectPassed({ failed, seed, path, sequence, error }: Outcome): void {
  expect(!failed, `${error}\n  after: ${sequence}\n  to repeat it: seed ${seed}, path ${path}`);
}

async function runModel(
  { evidence, seed, thorough }: Context,
  confinement?: Confinement,
): Promise<void> {
  const parameters = { seed, runs: thorough ? RUNS_THOROUGH : RUNS };
  expectPassed(await evidence.task<Outcome>('model', parameters, confinement));
}

export const model: readonly Requirement[] = [
  {
    id: 'model-sequences',
    group: 'model',
    sentence:
      'random sequences of operations, right and wrong, agree with an array of bytes per region',
    contract: 'MemoryBackend',
    run: (context) => runModel(context),
  },
  {
    id: 'model-under-limit',
    group: 'model',
    sentence:
      'random sequences agree with the model under a lock limit at which maps fail all the time',
    contract: 'MemoryBackend',
    capability: 'locking',
    claims: ({ locking }) => locking === 'locked',
    run: (context) => runModel(context, TIGHT),
    instead: 'random sequences agree with the model, and a lock limit does not make maps fail',
    otherwise: (context) => runModel(context, TIGHT),
  },
];
