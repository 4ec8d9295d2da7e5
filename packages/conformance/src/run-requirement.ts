import type { MemoryBackend } from '@securemem/core/contract';
import { Context } from './context.js';
import { type Evidence, NotProven } from './evidence/evidence.js';
import { halfOf, type Requirement } from './requirement.js';

export interface RunSettings {
  readonly open: () => MemoryBackend;
  readonly evidence: Evidence;
  readonly thorough: boolean;
  readonly seed: number;
}

/** What came of one requirement. */
export interface RequirementResult {
  readonly id: string;
  readonly group: string;
  readonly sentence: string;
  /** The place in the contract that promises it. */
  readonly contract: string;
  /** The capability that decides which half ran, where there is one. */
  readonly capability?: string;
  /** `claimed` and `not claimed`: which half of a conditional requirement ran. `always`: there is only one. */
  readonly half: 'claimed' | 'not claimed' | 'always';
  readonly outcome: 'passed' | 'failed' | 'not proven';
  /** Why, unless it passed. */
  readonly reason?: string;
  readonly durationMs: number;
}

/** Runs the half of a requirement that the backend's claims select. Never rejects. */
export async function runRequirement(
  requirement: Requirement,
  settings: RunSettings,
): Promise<RequirementResult> {
  const startedAt = performance.now();
  const { id, group, contract } = requirement;
  const capability = requirement.capability ?? requirement.about;
  let { sentence } = requirement;
  const context = new Context(settings.open, settings.evidence, settings);
  let half: RequirementResult['half'] = 'always';
  let outcome: RequirementResult['outcome'] = 'passed';
  let reason: string | undefined;
  try {
    half = halfOf(requirement, context.capabilities);
    if (requirement.capability !== undefined && half === 'not claimed') {
      sentence = requirement.instead;
      await requirement.otherwise(context);
    } else {
      await requirement.run(context);
    }
  } catch (error) {
    outcome = error instanceof NotProven ? 'not proven' : 'failed';
    reason = error instanceof Error ? describe(error) : String(error);
  } finally {
    context.dispose();
  }
  return {
    id,
    group,
    sentence,
    contract,
    ...(capability === undefined ? {} : { capability }),
    half,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    durationMs: performance.now() - startedAt,
  };
}

/** A promise that was not kept needs no name and no stack; anything else does. */
function describe(error: Error): string {
  const plain = error.name === 'Unmet' || error.name === 'NotProven';
  if (plain || error.message.startsWith('a child failed')) return error.message;
  const where = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at '));
  return `${error.name}: ${error.message}${where === undefined ? '' : ` (${where.trim()})`}`;
}
