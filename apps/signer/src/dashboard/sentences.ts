import type { Sample } from './sample.js';
import { counted, duration, kib } from './sample-text.js';

/** What happened, as it was measured; and what the usual library does, which is no measurement of ours. */
export interface Told {
  readonly happened: string;
  readonly usual: string;
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
    refused.length === 0 ? 'none failed' : `others were told why: ${refused.join(', ')}`;
  const genuine =
    signed === verified ? 'Every signature verifies.' : `${signed - verified} DO NOT VERIFY.`;
  const details =
    ` ${genuine} ${counted(waited, 'request')} waited for a place; at most ` +
    `${kib(lockedPeakByteLength)} were locked.`;
  const fit = Math.floor((limitByteLength || 65_536) / 4_096 / 4);
  return {
    happened:
      `${signed} of ${counted(requests, 'request')} were signed in ${duration(answer.signMs)}, and ${others}.` +
      (signed === 0 ? '' : details),
    usual: `Usually every secret gets a page of its own: ${counted(fit, 'such request')} at a time, and the next one fails.`,
  };
}

export interface ComparisonSide {
  readonly requests: number;
  readonly succeeded: number;
  readonly verified: number;
  readonly failedByCode: Readonly<Record<string, number>>;
  readonly admissionWaits: number;
  readonly peakLockedByteLength: number;
}

export interface ComparisonAnswer {
  readonly page: ComparisonSide;
  readonly pooled: ComparisonSide;
}

export function tellComparison({ page, pooled }: ComparisonAnswer): Told {
  const failed = Object.entries(page.failedByCode).map(([code, count]) => `${count} × ${code}`);
  return {
    happened:
      `Under the same limit ${page.succeeded} of ${page.requests} requests were signed with a page for each secret, and ` +
      `${pooled.succeeded} of ${pooled.requests} with pooled secrets; ${pooled.admissionWaits} of those waited. ` +
      `Most locked: ${kib(page.peakLockedByteLength)} and ${kib(pooled.peakLockedByteLength)}.`,
    usual:
      failed.length === 0
        ? ''
        : `The first design failed with ${failed.join(', ')}. Here that is a typed error; usually it is a panic, or memory that is silently not locked.`,
  };
}

export function tellLimit(byteLength: number, before: Sample, after: Sample): Told {
  const locked = (sample: Sample): string => kib(sample.figures?.lockedByteLength ?? 0);
  return {
    happened:
      `The live process may lock ${kib(byteLength)} now. Locked before: ${locked(before)}, after: ${locked(after)}. ` +
      `What is locked stays; the process is alive, and its state is ${after.health.condition}. Start a storm (step 2) to see it wait.`,
    usual: 'Usually a library meets the limit in the middle of a request, and panics.',
  };
}

export function tellKill(signal: string, policy: string, before: Sample, after: Sample): Told {
  const { condition, pid } = after.health;
  const outcomes: Readonly<Record<string, string>> = {
    ready: `a new keeper, process ${pid}, has read the master key and proved it`,
    restarting: 'a new keeper will be started after a pause',
    halted: 'everything stays stopped until somebody has looked, and chooses a policy',
    lost: 'no new one; its secrets are gone until the service is unsealed',
  };
  const signed = after.counts.signed - before.counts.signed;
  const failed = after.counts.failed - before.counts.failed;
  const meanwhile =
    signed + failed === 0
      ? 'No request was under way.'
      : `Meanwhile ${counted(signed, 'request')} were signed and ${failed} failed.`;
  return {
    happened:
      `Process ${before.health.pid}, which had the keys, got ${signal} and died. The policy ${policy} decided: ` +
      `${outcomes[condition] ?? condition}. ${meanwhile}`,
    usual:
      'Usually the keys are in the service itself, and it dies with them; or a supervisor restarts it for ever, ' +
      'which gives an attacker another try each time.',
  };
}

export function tellPolicy(policy: string, after: Sample): Told {
  const means: Readonly<Record<string, string>> = {
    retry: 'a few restarts, each after a growing wait, then an end',
    terminate: 'no restart: the secrets of a dead keeper are lost',
    halt: 'everything stops and stays so, with the first cause',
  };
  return {
    happened: `A new keeper, process ${after.health.pid}, runs under the policy ${policy}: ${means[policy] ?? policy}.`,
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
  const { keys, loadedBeforeTheFailure: loaded, failedIndex, cause, code } = answer;
  const left = answer.secretsAfter - answer.secretsBefore;
  return {
    happened:
      `Key ${failedIndex + 1} of ${keys} failed (${cause}; ${code}). ${loaded} others were loaded by then, and ` +
      `${left === 0 ? 'every one is wiped: none is left' : `${left} ARE LEFT`}.`,
    usual: `Promise.all would have reported the same error and left ${loaded} private keys in memory that nobody owns.`,
  };
}

export function tellSealed(after: Sample): Told {
  const locked = after.figures?.lockedByteLength ?? 0;
  const where =
    after.signing === 'keeper' && after.health.pid === 0
      ? 'The process that had the keys is gone.'
      : `Locked now: ${kib(locked)}.`;
  return {
    happened: `The master key and every key in use are wiped. ${where} Requests are refused until the service is unsealed.`,
    usual: 'Usually keys stay in the heap until the process ends, and in its core file after that.',
  };
}

export function tellUnsealed(after: Sample): Told {
  const where = after.signing === 'keeper' ? ` of process ${after.health.pid}` : '';
  return {
    happened: `The master key went from its file straight into a locked page${where}, and was proved. The service signs again.`,
    usual: 'Usually a key becomes a string on its way in, which nothing can wipe.',
  };
}

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
  const pages = gib < 1 ? `${Math.round(gib * 1_024)} MiB` : `${gib.toFixed(1)} GiB`;
  return {
    happened:
      `${credentials.toLocaleString('en')} credentials were sealed in ${duration(loadMs)}; ` +
      `${correct} of ${opened} opened at random were right, in ${duration(openMs)}. At most ` +
      `${kib(lockedPeakByteLength)} were locked; the rest is ciphertext in ordinary memory.`,
    usual: `A page for each would lock ${pages}.`,
  };
}
