import { kib, type Sample } from './sample.js';

/** What happened, and what the usual library would have done. */
export interface Told {
  readonly happened: string;
  readonly usual: string;
}

/** A page for each of the four secrets of a request. */
function requestsThatFitPaged(limitByteLength: number): number {
  return Math.floor(limitByteLength / 4_096 / 4);
}

export interface StormAnswer {
  readonly requests: number;
  readonly signed: number;
  readonly verified: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly waited: number;
  readonly lockedPeakByteLength: number;
  readonly limitByteLength: number;
  readonly signMs: number;
}

export function tellStorm(answer: StormAnswer): Told {
  const { requests, signed, verified, waited, lockedPeakByteLength, limitByteLength } = answer;
  const refused = Object.entries(answer.refused).map(([name, count]) => `${count} × ${name}`);
  const others =
    refused.length === 0 ? 'none failed' : `the others were told why: ${refused.join(', ')}`;
  const fit = requestsThatFitPaged(limitByteLength || 65_536);
  const genuine =
    signed === verified ? 'Every signature verifies.' : `${signed - verified} DO NOT VERIFY.`;
  const details =
    ` ${genuine} ${waited} requests waited for a place, and at most ` +
    `${kib(lockedPeakByteLength)} were locked.`;
  return {
    happened:
      `${signed} of ${requests} requests were signed in ${(answer.signMs / 1_000).toFixed(1)} s and ${others}.` +
      (signed === 0 ? '' : details),
    usual:
      `The usual library gives every secret a page of its own: here ${fit} such requests fit at a time, and the ` +
      'next one panics, aborts the process, or gets memory that is silently not locked.',
  };
}

export interface ComparisonSide {
  readonly requests: number;
  readonly succeeded: number;
  readonly verified: number;
  readonly failedByCode: Readonly<Record<string, number>>;
  readonly admissionWaits: number;
  readonly peakLockedByteLength: number;
  readonly requestsPerSecond: number;
}

export interface ComparisonAnswer {
  readonly page: ComparisonSide;
  readonly pooled: ComparisonSide;
}

export function tellComparison({ page, pooled }: ComparisonAnswer): Told {
  return {
    happened:
      `With pooled secrets and a queue ${pooled.succeeded} of ${pooled.requests} requests were signed; ` +
      `${pooled.admissionWaits} of them waited.`,
    usual:
      `With a page for each secret ${page.succeeded} of ${page.requests} were signed under the same limit. That is ` +
      'the usual design; ours at least gives a typed error for each of the others.',
  };
}

export function tellLimit(byteLength: number): Told {
  return {
    happened:
      `The lock limit of the live process is ${kib(byteLength)} now. What is locked stays; requests that need more ` +
      'pages wait for places that others release, and are told to come back when that takes too long.',
    usual:
      'The usual library meets the limit in the middle of a request: it panics, or its error path wipes every ' +
      'other secret too.',
  };
}

export function tellKill(signal: string, policy: string, before: Sample, after: Sample): Told {
  const { condition, pid } = after.health;
  const outcomes: Readonly<Record<string, string>> = {
    ready: `a new keeper, process ${pid}, has read the master key again`,
    restarting: 'a new keeper will be started in a moment',
    halted: 'everything stays stopped until somebody looks at it and chooses a policy',
    lost: 'its secrets are gone, and it stays down until the service is unsealed again',
  };
  return {
    happened:
      `Process ${before.health.pid}, which had the keys, got ${signal} and died. The policy ${policy} decided: ` +
      `${outcomes[condition] ?? condition}. Requests under way were told that their outcome is unknown; none was ` +
      'repeated behind your back.',
    usual:
      'Usually the keys are in the service itself, and it dies with them; or a supervisor restarts it for ever, ' +
      'which lets an attacker try again and again.',
  };
}

export function tellPolicy(policy: string): Told {
  const means: Readonly<Record<string, string>> = {
    retry: 'a few restarts, each after a growing wait, then an end',
    terminate: 'no restart: the secrets of the dead keeper are lost',
    halt: 'everything that shares the policy stops, with the first cause',
  };
  return {
    happened: `A new keeper runs under the policy ${policy}: ${means[policy] ?? policy}.`,
    usual: 'Usually nobody decides this beforehand: the process manager restarts whatever dies.',
  };
}

export interface PartialLoadAnswer {
  readonly keys: number;
  readonly loadedBeforeTheFailure: number;
  readonly failedIndex: number;
  readonly code: string;
  readonly cause: string;
  readonly secretsBefore: number;
  readonly secretsAfter: number;
}

export function tellPartialLoad(answer: PartialLoadAnswer): Told {
  const { keys, loadedBeforeTheFailure, failedIndex, cause, secretsBefore, secretsAfter } = answer;
  const left = secretsAfter - secretsBefore;
  return {
    happened:
      `Key ${failedIndex + 1} of ${keys} failed (${cause}). ${loadedBeforeTheFailure} others were loaded by then, ` +
      `and ${left === 0 ? 'every one is wiped: none is left' : `${left} are left`}.`,
    usual:
      `Promise.all would have reported the same error and left ${loadedBeforeTheFailure} private keys in memory ` +
      'that nobody owns.',
  };
}

export const SEALED: Told = {
  happened:
    'The master key and every key in use are wiped. Requests are refused until the service is unsealed.',
  usual:
    'Usually keys stay in the heap of the process until it ends, and in its core file after that.',
};

export const UNSEALED: Told = {
  happened:
    'The master key was read from its file straight into a locked page, and proved. The service signs again.',
  usual: 'Usually a key becomes a string on its way in, which nothing can wipe.',
};

export interface CredentialsAnswer {
  readonly credentials: number;
  readonly opened: number;
  readonly correct: number;
  readonly lockedPeakByteLength: number;
  readonly loadMs: number;
  readonly openMs: number;
}

export function tellCredentials(answer: CredentialsAnswer): Told {
  const { credentials, opened, correct, lockedPeakByteLength, loadMs, openMs } = answer;
  const gib = (credentials * 4_096) / 2 ** 30;
  return {
    happened:
      `${credentials.toLocaleString('en')} credentials were sealed in ${(loadMs / 1_000).toFixed(1)} s; ` +
      `${correct} of ${opened} opened at random were right, in ${(openMs / 1_000).toFixed(1)} s. At most ` +
      `${kib(lockedPeakByteLength)} were locked. The rest is ciphertext in ordinary memory.`,
    usual:
      `A page for each would lock ${gib < 1 ? `${Math.round(gib * 1_024)} MiB` : `${gib.toFixed(1)} GiB`}; Linux ` +
      'refuses such pages after about 32,700, whatever the limit.',
  };
}
