import { currentSample, post, Refusal } from './api.js';
import { age, tell } from './outcome.js';
import { byId, setText } from './page.js';
import { running } from './running.js';
import type { Condition, Sample } from './sample.js';
import {
  type ComparisonAnswer,
  type CredentialsAnswer,
  type PartialLoadAnswer,
  type StormAnswer,
  type Told,
  tellComparison,
  tellCredentials,
  tellKill,
  tellLimit,
  tellPartialLoad,
  tellPolicy,
  tellSealed,
  tellStorm,
  tellUnsealed,
} from './sentences.js';
import { markDone } from './steps.js';

/** How long the outcome of a kill is waited for before it is told as it is, in milliseconds. */
const DECISION_MS_MAX = 15_000;
const LOOK_MS = 100;

interface Outcome {
  readonly told: Told;
  readonly comparison?: ComparisonAnswer;
}

type Action = (fields: FormData) => Promise<Outcome>;

let latest: Sample | undefined;
let allowed = false;
let busy = false;

const ACTIONS: Readonly<Record<string, Action>> = {
  'control-comparison': async () => {
    running.start('Running 300 requests in each design');
    const comparison = await post<ComparisonAnswer>('/v1/demonstration/comparison');
    return { told: tellComparison(comparison), comparison };
  },
  'control-storm': async (fields) => {
    const requests = Number(fields.get('requests'));
    const before = latest?.counts.signed ?? 0;
    running.start('Signing', ({ counts }) => (counts.signed - before) / requests);
    return { told: tellStorm(await post<StormAnswer>('/v1/demonstration/storm', { requests })) };
  },
  'control-limit': async (fields) => {
    const byteLength = Number(fields.get('byteLength'));
    running.start('Changing the limit');
    const before = await currentSample();
    await post('/v1/demonstration/lock-limit', { byteLength });
    return { told: tellLimit(byteLength, before, await currentSample()) };
  },
  'control-kill': async (fields) => {
    const signal = String(fields.get('signal'));
    running.start('Waiting for what the policy decides');
    const before = await currentSample();
    const { policy } = await post<{ policy: string }>('/v1/demonstration/keeper/kill', { signal });
    return { told: tellKill(signal, policy, before, await afterDecision(before)) };
  },
  'control-policy': async (fields) => {
    const policy = String(fields.get('policy'));
    running.start('Starting a new keeper');
    await post('/v1/demonstration/keeper/policy', { policy });
    setText('policy-now', policy);
    return { told: tellPolicy(policy, await currentSample()) };
  },
  'control-partial': async () => {
    running.start('Loading five keys');
    return {
      told: tellPartialLoad(await post<PartialLoadAnswer>('/v1/demonstration/partial-load')),
    };
  },
  'control-seal': async () => {
    const sealing = latest?.state === 'unsealed';
    running.start(sealing ? 'Wiping' : 'Reading the master key');
    await post(sealing ? '/v1/vault/seal' : '/v1/vault/unseal');
    return {
      told: sealing ? tellSealed(await currentSample()) : tellUnsealed(await currentSample()),
    };
  },
  'control-credentials': async (fields) => {
    const count = Number(fields.get('count'));
    running.start('Sealing credentials, then opening 2,000', () => Number.NaN);
    return {
      told: tellCredentials(
        await post<CredentialsAnswer>('/v1/demonstration/credentials', { count }),
      ),
    };
  },
};

/** Connects every form with what it does. Without a token they stay disabled. */
export function connectControls(withToken: boolean): void {
  allowed = withToken;
  for (const [id, action] of Object.entries(ACTIONS)) {
    const form = byId<HTMLFormElement>(id);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void perform(form, () => action(new FormData(form)));
    });
  }
  setInterval(age, 1_000);
  enable();
}

/** What can be pressed depends on the state, which every sample may change. */
export function updateControls(sample: Sample): void {
  latest = sample;
  enable();
}

/** The states in which there is a process to do something to. */
const ALIVE: readonly Condition[] = ['ready', 'starting', 'restarting'];

function enable(): void {
  const state = latest?.state;
  const alive = state === 'unsealed' && ALIVE.includes(latest?.health.condition ?? 'closed');
  const possible: Readonly<Record<string, boolean>> = {
    'control-storm': alive,
    'control-limit': alive,
    'control-kill': alive && latest?.signing === 'keeper',
    'control-policy': latest?.signing === 'keeper',
    'control-seal': state === 'unsealed' || state === 'sealed' || state === 'lost',
  };
  for (const id of Object.keys(ACTIONS)) {
    const button = byId(id).querySelector('button');
    if (button !== null) button.disabled = !allowed || busy || possible[id] === false;
  }
  const seal = byId('control-seal').querySelector('button');
  const word = state === 'unsealed' ? 'Seal' : 'Unseal';
  if (seal !== null && seal.textContent !== word) seal.textContent = word;
}

async function perform(form: HTMLFormElement, action: () => Promise<Outcome>): Promise<void> {
  if (busy) return;
  busy = true;
  enable();
  form.setAttribute('aria-busy', 'true');
  try {
    const { told, comparison } = await action();
    running.stop();
    tell(told, false, comparison);
    markDone(form);
  } catch (error) {
    const message =
      error instanceof Refusal ? error.message : 'This page failed; please reload it.';
    running.stop();
    tell({ happened: message, usual: '' }, true);
  } finally {
    busy = false;
    form.removeAttribute('aria-busy');
    enable();
  }
}

/** The first state that is neither the old process nor on the way to another one. */
async function afterDecision(before: Sample): Promise<Sample> {
  const until = performance.now() + DECISION_MS_MAX;
  for (;;) {
    const sample = await currentSample();
    const { condition, pid } = sample.health;
    const decided = condition === 'ready' ? pid !== before.health.pid : condition !== 'restarting';
    if (decided || performance.now() > until) return sample;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
