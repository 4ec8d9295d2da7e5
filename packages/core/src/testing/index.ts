/**
 * Backends for tests: a simulated kernel with no real memory, and a wrapper that fails where it is told to. They protect
 * nothing. Use them to test code that allocates secrets without depending on the limits of the machine.
 *
 * @module @securemem/core/testing
 */
export type { FakeAlias } from './fake-alias.js';
export {
  FAKE_CAPABILITIES,
  type FakeBackend,
  type FakeBackendOptions,
  fakeBackend,
} from './fake-backend.js';
export type { FakeCall, FakeOperation } from './fake-calls.js';
export type { FakeEnvironment } from './fake-environment.js';
export { createFakeKernel, type FakeKernel, type FakeSystemCall } from './fake-kernel.js';
export type { FakeKernelOptions } from './fake-kernel-options.js';
export type { FakeRegion, FakeRegionFacts } from './fake-region.js';
export type { FaultPlan, FaultyOperation, ViewOutcomePlan } from './fault-plan.js';
export { type FaultyBackend, faultyBackend } from './faulty-backend.js';
