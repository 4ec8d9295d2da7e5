/**
 * A function of the host that operations in the keeper may call. It gets bytes and gives bytes; what it throws crosses
 * as an error. Its result is dropped when the keeper that asked is gone.
 */
export type HostFunction = (
  payload: Uint8Array,
  context: HostContext,
) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

/** Functions that the host offers to its keeper, by name. */
export type HostFunctions = Readonly<Record<string, HostFunction>>;

/** What a function of the host is told about the call. */
export interface HostContext {
  /** Which life of the keeper asks, counted from 1. */
  readonly generation: number;
  /** The process id of that keeper. */
  readonly pid: number;
}
