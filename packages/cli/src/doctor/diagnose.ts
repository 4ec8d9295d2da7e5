import { checkEnvironment } from './checks/environment.js';
import {
  checkCoreFiles,
  checkDebugger,
  checkHibernation,
  checkKernelHidden,
  checkPtrace,
  checkSwap,
} from './checks/exposure.js';
import { checkLockLimit } from './checks/lock-limit.js';
import { checkMappings } from './checks/mappings.js';
import { checkMemoryGroup, checkPage, checkSeccomp } from './checks/memory.js';
import { checkNeed } from './checks/need.js';
import {
  checkBackends,
  checkExternalBuffers,
  checkPermissionModel,
  checkSigsegv,
} from './checks/runtime.js';
import type { Facts } from './facts.js';
import type { Check, Finding } from './finding.js';
import type { Need } from './need.js';
import { type BackendRoom, roomOf } from './room.js';

const CHECKS: readonly Check[] = [
  checkNeed,
  checkBackends,
  checkPermissionModel,
  checkLockLimit,
  checkMappings,
  checkSeccomp,
  checkMemoryGroup,
  checkPage,
  checkKernelHidden,
  checkCoreFiles,
  checkPtrace,
  checkDebugger,
  checkSwap,
  checkHibernation,
  checkExternalBuffers,
  checkSigsegv,
  checkEnvironment,
];

/** All that the doctor says, as data. */
export interface Diagnosis {
  readonly facts: Facts;
  readonly need: Need;
  readonly findings: readonly Finding[];
  readonly room: readonly BackendRoom[];
  /** False when a need was stated that this process cannot meet. */
  readonly needMet: boolean;
  /** Whether any finding is `blocked`: secure memory is not possible here, or what was asked for does not fit. */
  readonly stops: boolean;
}

/** Judges the facts. Pure. */
export function diagnose(facts: Facts, need: Need): Diagnosis {
  const findings = CHECKS.flatMap((check) => check(facts, need) ?? []);
  const needMet = !findings.some(({ id, level }) => id === 'need' && level === 'blocked');
  const stops = findings.some(({ level }) => level === 'blocked');
  return { facts, need, findings, room: roomOf(facts, need.byteLength), needMet, stops };
}
