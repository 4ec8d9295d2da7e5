import { CONTRACT_VERSION } from '@securemem/core/contract';
import { type Report, reportOf, type Subject, subjectOf } from './report.js';
import { type RequirementResult, runRequirement } from './run-requirement.js';
import { selected } from './selection.js';
import {
  type ConformanceOptions,
  evidenceOptions,
  systemEvidence,
  takeSettings,
} from './settings.js';

export interface RunOptions extends ConformanceOptions {
  /** Called after each requirement, for progress. */
  readonly onResult?: (result: RequirementResult) => void;
}

/** Where a run begins, and who wants to know what was opened. */
export interface RunPart {
  readonly from: number;
  readonly onOpen: (subject: Subject, evidence: string) => void;
}

/**
 * Runs every requirement without a test runner, one after another in this process, and reports. Works under every runtime
 * that can load the backend. A backend that crashes takes the process with it; `runConformanceIsolated` survives that.
 *
 * Rejects with `RangeError` for an unknown id in `only`, and when the backend cannot be opened at all.
 */
export async function runConformance(given: RunOptions): Promise<Report> {
  const options = takeSettings(given, ['onResult']);
  const { thorough, seed } = options;
  const startedAt = new Date();
  let opened: { subject: Subject; evidence: string } | undefined;
  const onOpen = (subject: Subject, evidence: string): void => {
    opened = { subject, evidence };
  };
  const results = await runPart(options, { from: 0, onOpen });
  const { subject, evidence } = opened as unknown as { subject: Subject; evidence: string };
  return reportOf({ subject, evidence, startedAt, seed, thorough, results });
}

/** The requirements from one on. */
export async function runPart(
  given: RunOptions & { readonly thorough: boolean; readonly seed: number },
  { from, onOpen }: RunPart,
): Promise<readonly RequirementResult[]> {
  const options = takeSettings(given, ['onResult']);
  const { open, thorough, seed } = options;
  const chosen = selected(options.only).slice(from);
  const evidence = options.evidence ?? systemEvidence(options.module, evidenceOptions(options));
  await evidence.begin();
  const first = open();
  try {
    onOpen(subjectOf(first), evidence.name);
    const results: RequirementResult[] = [];
    for (const requirement of chosen) {
      const result = await runRequirement(requirement, { open, evidence, thorough, seed });
      results.push(result);
      options.onResult?.(result);
      // A backend of another contract cannot be judged by this one.
      if (first.contractVersion !== CONTRACT_VERSION) break;
    }
    return results;
  } finally {
    await evidence.close();
    first[Symbol.dispose]();
  }
}
