import { randomInt } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { type MemoryBackend, ownOptions } from '@securemem/core/contract';
import type { Evidence } from './evidence/evidence.js';
import { type LinuxEvidenceOptions, linuxEvidence } from './evidence/linux-evidence.js';
import { noEvidence } from './evidence/no-evidence.js';

/** What a run of the suite needs to know. */
export interface ConformanceOptions {
  /** Opens a fresh instance of the backend. Called for every requirement. */
  readonly open: () => MemoryBackend;
  /**
   * A file that exports the same `open`, as a URL or a path: children that must die, or that run under a limit, import it. It may
   * be left out where the evidence needs no children.
   */
  readonly module?: URL | string;
  /** Who is asked instead of the backend. The operating system unless told. */
  readonly evidence?: Evidence;
  /** Longer random sequences. */
  readonly thorough?: boolean;
  /** The ids of the requirements to run, such as `dump-flag`. All of them unless told. Throws `RangeError` for an unknown one. */
  readonly only?: readonly string[];
  /**
   * How long one child may take before it is ended, in milliseconds; five minutes unless told. What takes longer has failed,
   * unless the machine itself is slow: then it is not proven.
   */
  readonly timeLimitMs?: number;
  /** Repeats random sequences. Chosen at random, and reported, unless told. */
  readonly seed?: number;
}

/** The names in `ConformanceOptions`. */
const NAMES = ['open', 'module', 'evidence', 'thorough', 'only', 'timeLimitMs', 'seed'] as const;

/** Options as their caller wrote them, with defaults for what a run always has. */
export function takeSettings<T extends Partial<ConformanceOptions>>(
  given: T,
  more: readonly (keyof T & string)[],
): T & { readonly thorough: boolean; readonly seed: number } {
  const own = ownOptions(given, [...NAMES, ...more] as (keyof T & string)[], 'options') as T;
  return Object.assign(own, { thorough: own.thorough ?? false, seed: own.seed ?? newSeed() });
}

/** Evidence from the operating system that this runs on. */
export function systemEvidence(
  module: URL | string | undefined,
  options?: LinuxEvidenceOptions,
): Evidence {
  if (module === undefined) return noEvidence('no module was given that children could import');
  if (process.platform !== 'linux') {
    return noEvidence(`the suite cannot question ${process.platform} yet`);
  }
  return linuxEvidence(urlOf(module), options);
}

/** A path is as good as a URL. */
export function urlOf(module: URL | string): URL {
  if (typeof module !== 'string') return new URL(module.href);
  return /^[a-z]{2,}:/.test(module) ? new URL(module) : pathToFileURL(module);
}

/** What the evidence is told of the options of a run. */
export function evidenceOptions({ timeLimitMs }: Pick<ConformanceOptions, 'timeLimitMs'>) {
  return timeLimitMs === undefined ? {} : { timeLimitMs };
}

export function newSeed(): number {
  return randomInt(2 ** 31 - 1);
}
