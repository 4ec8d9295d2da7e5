import { type LockLimit, ownOptions } from '../contract/index.js';

/** What can be chosen about a simulated kernel. All sizes are in bytes. */
export interface FakeKernelOptions {
  /** The soft limit in the beginning. 64 KiB unless told. */
  readonly lockLimit?: LockLimit;
  /** How far the soft limit can be raised. As far as the first soft limit unless told. */
  readonly hardLockLimit?: LockLimit;
  /** Mappings that the process may have; a guarded region takes three. 65,530 unless told, as on Linux. */
  readonly mappingsMax?: number;
  /** A power of two. 4,096 unless told. */
  readonly pageByteLength?: number;
  /** Memory for all regions together. 1 GiB unless told. */
  readonly memoryByteLengthMax?: number;
  /** Notice and report touches through views that a real page would punish. True unless told. */
  readonly strict?: boolean;
}

const NAMES = [
  'lockLimit',
  'hardLockLimit',
  'mappingsMax',
  'pageByteLength',
  'memoryByteLengthMax',
  'strict',
] as const;

/** The options as their caller wrote them, with a default for what was left out. */
export function takeKernelOptions(
  given: FakeKernelOptions | undefined,
): Required<FakeKernelOptions> {
  const own = ownOptions(given, NAMES, 'the options of createFakeKernel()');
  const lockLimit = own.lockLimit ?? { kind: 'bytes', byteLength: 65_536 };
  return {
    lockLimit,
    hardLockLimit: own.hardLockLimit ?? lockLimit,
    mappingsMax: own.mappingsMax ?? 65_530,
    pageByteLength: own.pageByteLength ?? 4096,
    memoryByteLengthMax: own.memoryByteLengthMax ?? 2 ** 30,
    strict: own.strict ?? true,
  };
}
