/**
 * Limits of the keeper's own process. What is absent is inherited from the host. A limit that was asked for and cannot be
 * set fails the start, one of 0 as well.
 */
export interface KeeperLimits {
  /** Bytes that the keeper may lock: its own limit, and the budget of its allocator unless that is given one. */
  readonly lockedByteLengthMax?: number;
  /** Bytes of a core file. Where it is absent the module's `harden` is told 0, so that a crash writes no memory to disk. */
  readonly coreByteLengthMax?: number;
  /** Seconds of processor time over the keeper's whole life. A busy keeper reaches it; choose accordingly. */
  readonly cpuSecondsMax?: number;
  /** Bytes of V8's old generation, rounded down to MiB, at least 16 MiB. */
  readonly heapByteLengthMax?: number;
  /**
   * Bytes that the keeper may write to and shares with nobody: V8's heap, buffers and native memory, at least 64 MiB. Less than it has
   * when it starts fails the start. Beyond it an allocation throws in the operation, or ends the keeper as `resource`. Linux.
   */
  readonly dataByteLengthMax?: number;
  /** Descriptors that the keeper may have open, at least 32; it begins with about 25. Not on Windows. */
  readonly openFilesMax?: number;
  /** True: no program that the keeper starts gains privileges by its file (`no_new_privs`). Linux. */
  readonly noNewPrivileges?: boolean;
}

/**
 * The limits that hold of a keeper's process, as the kernel tells it after `harden`; each is `unlimited` where there is none. What the
 * host did not ask for is among them.
 */
export interface KeeperLimitsInForce {
  /** It does not bind a process with the capability to lock without limit; the budget of the keeper's allocator does. */
  readonly lockedByteLength: number | 'unlimited';
  readonly coreByteLength: number | 'unlimited';
  readonly cpuSeconds: number | 'unlimited';
  readonly dataByteLength: number | 'unlimited';
  readonly openFiles: number | 'unlimited';
  readonly noNewPrivileges: boolean;
  /** Bytes that V8 lets its heap have, all generations together. */
  readonly heapByteLength: number;
}

/** The part of the limits that the keeper module's `harden` sets, inside the keeper. */
export type HardenLimits = Omit<KeeperLimits, 'heapByteLengthMax'>;
