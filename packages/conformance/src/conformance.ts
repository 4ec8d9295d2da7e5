import { GROUPS } from './requirement.js';
import { runRequirement } from './run-requirement.js';
import type { Runner } from './runner.js';
import { selected } from './selection.js';
import {
  type ConformanceOptions,
  evidenceOptions,
  systemEvidence,
  takeSettings,
} from './settings.js';

/** As `runConformance`, inside a test runner: every requirement is a test of its own. */
export interface ConformanceSuite extends ConformanceOptions {
  readonly runner: Runner;
}

/**
 * Registers one test per requirement. What the backend claims decides which half of a requirement runs; there is no other
 * way to leave one out. What this machine cannot show is marked as not proven, with the reason.
 */
export function conformance(given: ConformanceSuite): void {
  const suite = takeSettings(given, ['runner']);
  const { runner, open, thorough, seed } = suite;
  const evidence = suite.evidence ?? systemEvidence(suite.module, evidenceOptions(suite));
  const chosen = selected(suite.only);
  const groups = GROUPS.filter((group) => chosen.some((one) => one.group === group));
  const settings = { open, evidence, thorough, seed };
  runner.describe('conformance', () => {
    runner.afterAll(() => evidence.close());
    for (const group of groups) {
      runner.describe(group, () => {
        for (const requirement of chosen.filter((one) => one.group === group)) {
          runner.it(`${requirement.id}: ${requirement.sentence}`, async (notProven) => {
            const { outcome, reason = '' } = await runRequirement(requirement, settings);
            if (outcome === 'not proven') notProven(reason);
            if (outcome === 'failed') {
              throw new Error(`${reason}\n  promised in ${requirement.contract}; seed ${seed}`);
            }
          });
        }
      });
    }
  });
}
