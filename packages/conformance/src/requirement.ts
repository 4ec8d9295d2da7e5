import type { BackendCapabilities } from '@securemem/core/contract';
import type { Context } from './context.js';

/** The parts of the contract, in the order in which a report lists them. */
export const GROUPS = [
  'opening',
  'mapping',
  'locking',
  'protection',
  'wiping',
  'views',
  'limits',
  'lifecycle',
  'inspection',
  'errors',
  'misuse',
  'fork',
  'dump',
  'cipher',
  'keys',
  'environment',
  'threads',
  'model',
] as const;

/** A part of the report. */
export type Group = (typeof GROUPS)[number];

type Run = (context: Context) => void | Promise<void>;

interface Described {
  /** Stable, such as `map-zeroed`. Has an entry in `docs/WRITING-A-BACKEND.md`. */
  readonly id: string;
  readonly group: Group;
  /** One sentence, the operation first. */
  readonly sentence: string;
  /** The place in the contract that promises it, such as `MemoryBackend.map`. */
  readonly contract: string;
}

/** Holds for every backend. `about` names the capability whose value it checks, where there is one. */
export interface UnconditionalRequirement extends Described {
  readonly capability?: undefined;
  readonly about?: keyof BackendCapabilities;
  readonly run: Run;
}

/** Has two halves: what a backend that claims the capability must show, and what one that does not must do instead. */
export interface ConditionalRequirement extends Described {
  readonly capability: keyof BackendCapabilities;
  readonly claims: (capabilities: BackendCapabilities) => boolean;
  readonly run: Run;
  /** The other half as a sentence. */
  readonly instead: string;
  readonly otherwise: Run;
}

/** One promise of the contract, and how it is tested. */
export type Requirement = UnconditionalRequirement | ConditionalRequirement;

/** What a backend claims counts; nothing else decides which half runs. */
export function halfOf(
  requirement: Requirement,
  capabilities: BackendCapabilities,
): 'claimed' | 'not claimed' | 'always' {
  if (requirement.capability === undefined) return 'always';
  return requirement.claims(capabilities) ? 'claimed' : 'not claimed';
}
