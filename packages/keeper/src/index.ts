/**
 * Secrets in a supervised process, with an explicit crash policy.
 *
 * @module @securemem/keeper
 */
export {
  defineKeeper,
  type Host,
  type KeeperDefinition,
  type Operation,
  type OperationContext,
  type ProvisionContext,
} from './define-keeper.js';
export type { HostContext, HostFunction, HostFunctions } from './host-function.js';
export type { HardenLimits, KeeperLimits, KeeperOptions, RecycleOptions } from './options.js';
export type { KeeperPoolOptions } from './pool/options.js';
export { type KeeperPool, openKeeperPool, type PoolCallOptions } from './pool/pool.js';
export type {
  KeeperPoolEvents,
  KeeperPoolListeners,
  KeeperPoolStats,
  MemberLost,
  MemberStats,
  OfMember,
} from './pool/reports.js';
export type { CallOptions } from './supervisor/call-options.js';
export type { CrashReport, CrashSummary } from './supervisor/crash-report.js';
export { type Keeper, openKeeper } from './supervisor/keeper.js';
export type {
  KeeperEvents,
  KeeperListeners,
  KeeperState,
  KeeperStats,
  RestartReport,
} from './supervisor/reports.js';
