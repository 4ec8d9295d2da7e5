/**
 * The suite that every securemem backend runs to prove what it claims. `conformance` runs it inside a test runner,
 * `runConformance` without one; `docs/WRITING-A-BACKEND.md` has an entry for each requirement.
 *
 * @module @securemem/conformance
 */
export { type ConformanceSuite, conformance } from './conformance.js';
export type { Context, PlacedRegion } from './context.js';
export {
  type Confinement,
  type Counts,
  type Evidence,
  NotProven,
  type ObservedFacts,
  type Place,
  type Touch,
} from './evidence/evidence.js';
export { fakeEvidence } from './evidence/fake-evidence.js';
export { linuxEvidence } from './evidence/linux-evidence.js';
export { Marker } from './evidence/marker.js';
export { noEvidence } from './evidence/no-evidence.js';
export type { SimulatedKernel, SimulatedRegionFacts } from './evidence/simulated-kernel.js';
export { renderReport } from './render-report.js';
export type { Report, Subject } from './report.js';
export { GROUPS, type Group, type Requirement } from './requirement.js';
export { requirements } from './requirements/index.js';
export { type RunOptions, runConformance, runPart } from './run-conformance.js';
export { type IsolatedOptions, runConformanceIsolated } from './run-isolated.js';
export type { RequirementResult } from './run-requirement.js';
export { type NodeTest, nodeTestRunner, type Runner, type Vitest, vitestRunner } from './runner.js';
export { type ConformanceOptions, systemEvidence } from './settings.js';
