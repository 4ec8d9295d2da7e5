import type { LockLimit, RegionId } from '@securemem/core/contract';
import type { RefusedCall } from './evidence.js';

/** What a simulated kernel knows of one region. */
export interface SimulatedRegionFacts {
  lockedByteLength: number;
  protection: 'no-access' | 'read-only' | 'read-write';
  guardBefore: boolean;
  guardAfter: boolean;
  dumpExcluded: boolean;
  forkBehaviour: 'absent' | 'zeroed' | 'inherited';
  kernelHidden: boolean;
}

/** The variables of a simulated process. */
export interface SimulatedEnvironment {
  set(name: string, ...values: readonly string[]): void;
  first(name: string): Uint8Array | undefined;
  all(): Iterable<Uint8Array>;
}

/**
 * What the evidence needs of a simulated kernel. `createFakeKernel()` of `@securemem/core/testing` gives one; it is
 * described here so that this package depends on the contract alone.
 */
export interface SimulatedKernel {
  readonly pageByteLength: number;
  readonly lockLimit: LockLimit;
  readonly hardLockLimit: LockLimit;
  readonly lockedByteLength: number;
  readonly mappings: number;
  readonly regionIds: readonly RegionId[];
  readonly violations: readonly string[];
  readonly environment: SimulatedEnvironment;
  find(
    region: RegionId,
  ): { readonly facts: SimulatedRegionFacts; readonly byteLength: number } | undefined;
  peek(region: RegionId, byteOffset: number, byteLength: number): Uint8Array;
  touch(region: RegionId, byteOffset: number, access: 'read' | 'write'): 'dies' | 'survives';
  tamper(region: RegionId, facts: Partial<SimulatedRegionFacts>): void;
  setLockLimit(limit: LockLimit, hardLimit?: LockLimit): void;
  refuse(call: RefusedCall): void;
  allow(call: RefusedCall): void;
  endThread(): void;
}
