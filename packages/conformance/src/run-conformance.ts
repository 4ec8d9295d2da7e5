import { CONTRACT_VERSION } from '@securemem/core/contract';
import { type Report, reportOf } from './report.js';
import { requirements } from './requirements/index.js';
import { type RequirementResult, runRequirement } from './run-requirement.js';
import { type ConformanceOptions, newSeed, systemEvidence } from './settings.js';

export interface RunOptions extends ConformanceOptions {
  /** Called after each requirement, for progress. */
  readonly onResult?: (result: RequirementResult) => void;
}

/**
 * Runs every requirement without a test runner, one after another, and reports. Works under every runtime that can load
 * the backend. Rejects only when the backend cannot be opened at all.
 */
export async function runConformance(options: RunOptions): Promise<Report> {
  const { open, thorough = false, seed = newSeed() } = options;
  const startedAt = new Date();
  const evidence = options.evidence ?? systemEvidence(options.module);
  const first = open();
  try {
    const results: RequirementResult[] = [];
    for (const requirement of requirements) {
      const result = await runRequirement(requirement, { open, evidence, thorough, seed });
      results.push(result);
      options.onResult?.(result);
      // A backend of another contract cannot be judged by this one.
      if (first.contractVersion !== CONTRACT_VERSION) break;
    }
    return reportOf({
      backend: first,
      evidence: evidence.name,
      startedAt,
      seed,
      thorough,
      results,
    });
  } finally {
    await evidence.close();
    first[Symbol.dispose]();
  }
}
