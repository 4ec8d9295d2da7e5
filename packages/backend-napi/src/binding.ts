import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type loadPrebuilt from 'node-gyp-build';

/**
 * The functions of the addon, as `native/addon.cc` makes them. Numbers go in and a `Status` comes out; where a call returns
 * a positive number, a failure is the status negated. Nothing here throws.
 */
export interface Binding {
  readonly pageByteLength: number;
  /** Number and serial of the view that `openView` made last. */
  readonly lastView: Uint32Array;
  /** Arguments of the functions of views: four numbers that the addon reads without a call. */
  readonly numbers: Float64Array;
  /** A byte for each of the first view numbers: 1 says that the view was revoked. Spares a call for each. */
  readonly revokedNotes: Uint8Array;
  open(pageKind: number): number;
  /** Writes strongest protection, dump exclusion and fork behaviour of an owner's regions. */
  abilities(owner: number, target: Float64Array): number;
  close(owner: number): number;
  /** Writes soft and hard limit, the limit of the system, and 1 where none of them binds; -1 unlimited, -2 unknown. */
  lockNumbers(target: Float64Array): number;
  /** `most` is the maximum of the working set on Windows, and nothing elsewhere. */
  setLockLimit(soft: number, most: number): number;
  /** -2 where it is unknown. */
  lockedByteLength(): number;
  /** Writes how many mappings there are, and at most; -2 unknown. */
  mappings(target: Float64Array): number;
  map(owner: number, byteLength: number): number;
  protect(owner: number, region: number, level: number): number;
  wipe(owner: number, region: number, byteOffset: number, byteLength: number): number;
  read(owner: number, region: number, byteOffset: number, target: Uint8Array): number;
  write(owner: number, region: number, byteOffset: number, source: Uint8Array): number;
  /** Owner, region, offset and length are in `numbers`. */
  openView(): ArrayBuffer | number;
  /** For numbers beyond `revokedNotes`. */
  revokedView(number: number, serial: number): void;
  escapedView(number: number, serial: number): void;
  aliasAlive(number: number, serial: number): number;
  /**
   * Nothing when it is revoked, or 1 escaped, 2 stuck; noted already. Number and serial of the view are in `numbers`. Only
   * for runtimes whose buffers have no `transfer`.
   */
  closeView(buffer: ArrayBuffer): number | undefined;
  /** Six numbers per region: known, locked bytes, protection, guarded, dump exclusion, fork behaviour. */
  inspect(owner: number, regions: Float64Array, target: Float64Array): number;
  /** 1 where the kernel refuses to read a region, or nothing can be asked. */
  kernelCannotRead(owner: number, region: number): number;
  unmap(owner: number, region: number): number;
  seal: Crypt;
  unseal: Crypt;
  /** A bit for each `KeyType` of native/keys.h that gives the right answers to known questions here. */
  keyTypes(): number;
  sign: UseKey<[message: Uint8Array, target: Uint8Array]>;
  publicKey: UseKey<[target: Uint8Array]>;
  agree: UseKey<[peer: Uint8Array, region: number, byteOffset: number, byteLength: number]>;
  /** A promise of the signature or of a status; its ticket is then in `ticket`. Or a status negated. */
  signLater: UseKey<
    [digest: Uint8Array, ticket: Float64Array],
    Promise<Uint8Array | number> | number
  >;
  /** `use` is the type. An external value for another addon, which native/key_window.h describes, or a status negated. */
  openWindow: UseKey<[], object | number>;
  /** 1 where the key had not been read yet and will not be; 0 where it is too late, or nobody has the ticket. */
  revokeSignature(ticket: number): number;
  /** -1 where it is not set. The name is in UTF-8, without NUL at its end. */
  variableByteLength(name: Uint8Array): number;
  /** Writes in how many places it stood, and 1 where the block was searched that the process was started with. */
  takeVariable(
    owner: number,
    region: number,
    byteOffset: number,
    byteLength: number,
    name: Uint8Array,
    target: Float64Array,
  ): number;
  /** Soft and hard limit in two words, of which all bits are set for none. */
  limit(which: number, words: BigUint64Array): number;
  setLimit(which: number, words: BigUint64Array): number;
  /** 1 or 0, or a status negated. */
  dumpable(): number;
  forbidDumps(): number;
  /** The system call of the last failure; its number, what it asked for, and counts go into `target`: six numbers. */
  failure(target: Float64Array): string;
  /** In test builds only: the `countdown`-th system call from now fails with `errno`. */
  setFault?(countdown: number, errno: number): void;
  /** The same: with 1 a use of a key leaves the stack as it is, with 0 it wipes it again. */
  keepStack?(kept: number): void;
  /** The same: with 1 the cipher leaves the processor's instructions alone. 1 where it uses them now. */
  portableCipher?(portable: number): number;
}

/** `use` is the number of an algorithm or type in its list. */
type UseKey<More extends unknown[], Answer = number> = (
  owner: number,
  use: number,
  keyRegion: number,
  keyOffset: number,
  keyLength: number,
  ...more: More
) => Answer;

type Crypt = (
  owner: number,
  keyRegion: number,
  keyOffset: number,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  region: number,
  byteOffset: number,
  byteLength: number,
  sealed: Uint8Array,
) => number;

let loaded: Binding | undefined;

/**
 * The addon, loaded at the first call: importing this package loads nothing. Each worker thread loads it for itself. Throws
 * whatever the loader throws.
 */
export function loadBinding(): Binding {
  // Copied, since V8 keeps objects that are filled from outside as dictionaries, whose properties are found slowly.
  loaded ??= { ...loadAddon() };
  return loaded;
}

/** The loader is looked for at the call too: bundlers make something of it that fails at import. */
function loadAddon(): Binding {
  const load = createRequire(import.meta.url)('node-gyp-build') as typeof loadPrebuilt;
  // Both `src` and `dist` lie directly in the package, so the binaries are one folder up from either.
  return load(join(dirname(fileURLToPath(import.meta.url)), '..')) as Binding;
}
