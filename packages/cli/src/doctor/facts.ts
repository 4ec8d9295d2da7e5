import type { BackendCapabilities } from '@securemem/core';

/** What could not be found out. Never folded into a number or a yes. */
export type Unknown = 'unknown';

/** A number of bytes, no limit at all, or not known. */
export type ByteLimit = number | 'unlimited' | Unknown;

/** What one backend says of itself here. */
export interface BackendFacts {
  readonly name: string;
  readonly packageName: string;
  readonly version: string | undefined;
  /** `missing`: the package is not installed where the program runs. */
  readonly state: 'missing' | 'unavailable' | 'open';
  /** Why it is not open. */
  readonly reason: string | undefined;
  readonly pageByteLength: number | undefined;
  readonly capabilities: BackendCapabilities | undefined;
  readonly lockLimit: ByteLimit | undefined;
  /** What became of one page that was mapped, written to, wiped and given back. */
  readonly trial:
    | { readonly passed: true }
    | { readonly passed: false; readonly code: string }
    | undefined;
  /** Whether it can make memfd_secret pages here; undefined where it has none to offer, or could lock no page at all. */
  readonly hides: boolean | undefined;
}

/** Who started this process, as far as it can be seen from inside. */
export type Surroundings = 'kubernetes' | 'fargate' | 'lambda' | 'docker' | 'systemd' | 'shell';

/**
 * Everything that the checks judge, gathered once. Plain data: a test makes up a machine by writing one down, and
 * `--json` prints it.
 */
export interface Facts {
  readonly platform: string;
  readonly arch: string;
  readonly release: string;
  readonly runtime: string;
  readonly surroundings: Surroundings;
  readonly uid: number | Unknown;
  readonly pageByteLength: number | Unknown;
  readonly lock: {
    readonly soft: ByteLimit;
    readonly hard: ByteLimit;
    /** Locked by this process already, by its kernel's count. */
    readonly inUseByteLength: number | Unknown;
    /** The capability shows; it counts only outside user namespaces. */
    readonly capability: boolean | Unknown;
    readonly userNamespace: boolean | Unknown;
  };
  readonly mappings: { readonly inUse: number | Unknown; readonly max: number | Unknown };
  readonly memfdSecret: boolean | Unknown;
  readonly coreFiles: { readonly limit: ByteLimit; readonly toProgram: boolean | Unknown };
  /** Yama's setting; `none` where the kernel has no Yama, which is as open as 0. */
  readonly ptraceScope: number | 'none' | Unknown;
  /** Whether SIGUSR1 opens the debugger of the runtime, and what else of the runtime lets others in, in words. */
  readonly debugger: { readonly signal: boolean; readonly ways: readonly string[] };
  readonly swapByteLength: number | Unknown;
  readonly hibernation: boolean | Unknown;
  readonly memory: {
    readonly totalByteLength: number;
    readonly availableByteLength: number;
    readonly groupLimitByteLength: ByteLimit;
  };
  /** 0: none, 1: strict, 2: a filter. */
  readonly seccomp: number | Unknown;
  readonly permissionModel: { readonly on: boolean; readonly addons: boolean };
  readonly sigsegvListeners: number;
  /** Variables of this process whose names look like those of secrets. Names alone; no value is read. */
  readonly secretNames: readonly string[];
  readonly backends: readonly BackendFacts[];
}
