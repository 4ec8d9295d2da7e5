import type { Address } from './address.js';

/**
 * A type of an argument or a result, as C has it on 64-bit systems: what is not listed here, no table needs. `size` is
 * size_t, `int64` also `long` of Linux and `intptr_t`, `text` a string that ends with a zero byte.
 */
export type CType = 'void' | 'pointer' | 'size' | 'int64' | 'int' | 'uint' | 'text';

/** Functions of one library. */
export interface Library {
  /**
   * A function of it, typed by the caller. A pointer goes in as an `Address`, as null or as a typed array, and comes out as
   * an `Address` or null; every integer is a JavaScript number. Throws where the library has none of this name.
   */
  func<Call>(name: string, result: CType, parameters: readonly CType[]): Call;
}

/**
 * A way to call C functions: all that a backend of this package needs of one. Whatever stands behind it (koffi, `node:ffi`),
 * nothing here asks for its name. An instance belongs to the thread that made it.
 */
export interface Ffi {
  /** A library by its file name; what the process has loaded already for null. Throws where it cannot be loaded. */
  library(name: string | null): Library;

  /** An ArrayBuffer over memory that stays what it was: no copy, and no finalizer. Throws where the runtime has none. */
  view(address: Address, byteLength: number): ArrayBuffer;

  /** Where the bytes of an array lie. Valid while the array lives and is not detached. */
  address(bytes: Uint8Array): Address;

  /** `errno` of this thread as it is now. The next call of anything may change it: see `Errno`. */
  errno(): number;
}

/** What is needed to make a backend over one FFI. */
export interface Binding {
  /** The name of the backend, in errors and receipts. */
  readonly backendName: string;

  /** What a user calls to open it, for messages about arguments. */
  readonly factoryName: string;

  /** Loads the FFI, or throws an Error whose message says why it is not to be had here. */
  load(): Ffi;
}
