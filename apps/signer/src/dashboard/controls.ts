import { currentSample, post, Refusal } from './api.js';
import { byId, make } from './page.js';
import { kib, type Sample } from './sample.js';
import {
  type ComparisonAnswer,
  type CredentialsAnswer,
  type PartialLoadAnswer,
  SEALED,
  type StormAnswer,
  type Told,
  tellComparison,
  tellCredentials,
  tellKill,
  tellLimit,
  tellPartialLoad,
  tellPolicy,
  tellStorm,
  UNSEALED,
} from './sentences.js';

/** How long the outcome of a kill is waited for before it is told as it is, in milliseconds. */
const DECISION_MS_MAX = 4_000;
const LOOK_MS = 100;

type Action = (fields: FormData) => Promise<Told>;

const ACTIONS: Readonly<Record<string, Action>> = {
  'control-storm': async (fields) =>
    tellStorm(
      await post<StormAnswer>('/v1/demonstration/storm', {
        requests: Number(fields.get('requests')),
      }),
    ),
  'control-comparison': async () => {
    const answer = await post<ComparisonAnswer>('/v1/demonstration/comparison');
    showComparison(answer);
    return tellComparison(answer);
  },
  'control-limit': async (fields) => {
    const byteLength = Number(fields.get('byteLength'));
    await post('/v1/demonstration/lock-limit', { byteLength });
    return tellLimit(byteLength);
  },
  'control-kill': async (fields) => {
    const signal = String(fields.get('signal'));
    const before = await currentSample();
    const { policy } = await post<{ policy: string }>('/v1/demonstration/keeper/kill', { signal });
    return tellKill(signal, policy, before, await afterDecision(before));
  },
  'control-policy': async (fields) => {
    const policy = String(fields.get('policy'));
    await post('/v1/demonstration/keeper/policy', { policy });
    return tellPolicy(policy);
  },
  'control-partial': async () =>
    tellPartialLoad(await post<PartialLoadAnswer>('/v1/demonstration/partial-load')),
  'control-seal': async () => {
    await post('/v1/vault/seal');
    return SEALED;
  },
  'control-unseal': async () => {
    await post('/v1/vault/unseal');
    return UNSEALED;
  },
  'control-credentials': async (fields) => {
    const count = Number(fields.get('count'));
    return tellCredentials(
      await post<CredentialsAnswer>('/v1/demonstration/credentials', { count }),
    );
  },
};

/** Connects every form with what it does. Without a token they stay disabled. */
export function connectControls(allowed: boolean): void {
  for (const [id, action] of Object.entries(ACTIONS)) {
    const form = byId<HTMLFormElement>(id);
    const button = form.querySelector('button') as HTMLButtonElement;
    button.disabled = !allowed;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void perform(button, () => action(new FormData(form)));
    });
  }
}

async function perform(button: HTMLButtonElement, action: () => Promise<Told>): Promise<void> {
  button.disabled = true;
  button.setAttribute('aria-busy', 'true');
  try {
    tell(await action());
  } catch (error) {
    const message =
      error instanceof Refusal ? error.message : 'This page failed; please reload it.';
    tell({ happened: message, usual: '' }, true);
  } finally {
    button.disabled = false;
    button.removeAttribute('aria-busy');
  }
}

function tell({ happened, usual }: Told, failed = false): void {
  const outcome = byId('outcome');
  outcome.toggleAttribute('data-failed', failed);
  byId('outcome-happened').textContent = happened;
  byId('outcome-usual').textContent = usual;
  outcome.dataset['told'] = `${Number(outcome.dataset['told'] ?? 0) + 1}`;
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

function showComparison({ page, pooled }: ComparisonAnswer): void {
  const failed = (counts: Readonly<Record<string, number>>): string => {
    const entries = Object.entries(counts);
    return entries.length === 0 ? 'none' : entries.map(([code, n]) => `${n} × ${code}`).join(', ');
  };
  const rows: readonly (readonly [string, string, string])[] = [
    ['signed', `${page.succeeded}`, `${pooled.succeeded}`],
    ['verified', `${page.verified}`, `${pooled.verified}`],
    ['refused', failed(page.failedByCode), failed(pooled.failedByCode)],
    ['waited', `${page.admissionWaits}`, `${pooled.admissionWaits}`],
    ['most locked', kib(page.peakLockedByteLength), kib(pooled.peakLockedByteLength)],
  ];
  byId('comparison-rows').replaceChildren(
    ...rows.map(([name, left, right]) => {
      const row = make('tr');
      row.append(make('th', name, { scope: 'row' }), make('td', left), make('td', right));
      return row;
    }),
  );
  byId('comparison').hidden = false;
}
