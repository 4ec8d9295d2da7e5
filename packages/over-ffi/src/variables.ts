import { TextDecoder } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import type { EnvironmentTaken } from '@securemem/core/contract';
import { type Address, offsetBy } from './address.js';
import type { CType, Ffi, Library } from './ffi.js';
import { startBlock } from './start-block.js';
import type { Place, Span } from './system.js';

/** The functions by which a variable is found and erased, as a table, so that a test can stand in for them. */
export interface VariableCalls {
  /** Where the C library keeps the address of its list of variables. */
  environ(): Address | null;
  strncmp(at: Address, text: Uint8Array, byteLength: number): number;
  strlen(at: Address): number;
  memmem(at: Address, byteLength: number, text: Uint8Array, textByteLength: number): Address | null;
  memmove(to: Place, from: Place, byteLength: number): void;
  memset(at: Address, byte: number, byteLength: number): void;
  unsetenv(name: string): number;
}

const POINTER_BYTE_LENGTH = 8;
const EQUALS = 0x3d;

/**
 * The variables of this process, where the C library and the kernel have them: no value ever passes through JavaScript. The
 * list is that of the process, so only the main thread looks at it; a thread that shares its environment with that one, and
 * sets a variable at this very moment, is the caller's to keep away.
 */
export class Variables {
  readonly #bind: () => VariableCalls;
  readonly #startBlock: () => Span | undefined;
  #bound: VariableCalls | undefined;

  /**
   * `bind` is called when the first variable is asked for: most programs never do. `startBlock` tells where the variables lie
   * that the process was started with, if anybody knows.
   */
  constructor(bind: () => VariableCalls, startBlock: () => Span | undefined) {
    this.#bind = bind;
    this.#startBlock = startBlock;
  }

  /** Of the value that counts, which is the first of its name; undefined where it is not set. `name` is its bytes. */
  byteLengthOf(name: Uint8Array): number | undefined {
    return this.#listed(prefixOf(name)).next().value?.byteLength;
  }

  /** Moves the value to accessible memory and erases every other of its name. `RangeError` where it has another length. */
  take(name: Uint8Array, to: Address, byteLength: number): EnvironmentTaken {
    const prefix = prefixOf(name);
    const listed = [...this.#listed(prefix)];
    const [first] = listed;
    if (first?.byteLength !== byteLength) {
      throw new RangeError('the range must be as long as the value of the variable');
    }
    const block = this.#startBlock();
    const values = new Map<Address, number>();
    for (const value of listed) values.set(value.address, value.byteLength);
    if (block !== undefined) {
      for (const value of this.#within(block, prefix)) values.set(value.address, value.byteLength);
    }
    this.#calls.memmove(to, first.address, byteLength);
    let places = 0;
    for (const [address, length] of values) {
      if (length > 0) places += 1;
      this.#calls.memset(address, 0, length);
    }
    this.#calls.unsetenv(new TextDecoder().decode(name));
    return { places, startBlock: block === undefined ? 'unknown' : 'searched' };
  }

  get #calls(): VariableCalls {
    this.#bound ??= this.#bind();
    return this.#bound;
  }

  /** The values of a name in the list that `getenv` goes through, in its order. */
  *#listed(prefix: Uint8Array): Generator<Span, undefined> {
    const environ = this.#calls.environ();
    let at = environ === null ? null : this.#pointerAt(environ);
    for (; at !== null; at = offsetBy(at, POINTER_BYTE_LENGTH)) {
      const text = this.#pointerAt(at);
      if (text === null) return;
      if (this.#calls.strncmp(text, prefix, prefix.length) !== 0) continue;
      yield this.#valueAt(offsetBy(text, prefix.length));
    }
  }

  /** The values of a name in a block of texts, one after the other, each with a zero byte behind it. */
  *#within(block: Span, prefix: Uint8Array): Generator<Span> {
    const end = offsetBy(block.address, block.byteLength);
    let from = block.address;
    for (;;) {
      const found = this.#calls.memmem(from, Number(end - from), prefix, prefix.length);
      if (found === null) return;
      from = offsetBy(found, prefix.length);
      if (found === block.address || this.#byteAt(offsetBy(found, -1)) === 0) {
        yield this.#valueAt(from);
      }
    }
  }

  #valueAt(address: Address): Span {
    return { address, byteLength: this.#calls.strlen(address) };
  }

  #pointerAt(address: Address): Address | null {
    const word = new BigUint64Array(1);
    this.#calls.memmove(new Uint8Array(word.buffer), address, POINTER_BYTE_LENGTH);
    return word[0] === 0n ? null : (word[0] as Address);
  }

  #byteAt(address: Address): number {
    const byte = new Uint8Array(1);
    this.#calls.memmove(byte, address, 1);
    return byte[0] as number;
  }
}

function prefixOf(name: Uint8Array): Uint8Array {
  return Uint8Array.of(...name, EQUALS);
}

/**
 * The variables of this process, or undefined where they are not ours: on Windows, in a worker thread, and in Bun, which has
 * made strings of all of them before any program begins.
 */
export function openVariables(ffi: Ffi): Variables | undefined {
  const { platform, versions } = process;
  if (!isMainThread || versions['bun'] !== undefined) return undefined;
  if (platform === 'linux') return new Variables(() => bindLinux(ffi), startBlock);
  // The kernel of macOS does not tell where it is.
  if (platform === 'darwin')
    return new Variables(
      () => bindDarwin(ffi),
      () => undefined,
    );
  return undefined;
}

function bindLinux(ffi: Ffi): VariableCalls {
  const libc = ffi.library(null);
  type Find = (scope: null, name: string) => Address | null;
  const find = libc.func<Find>('dlsym', 'pointer', ['pointer', 'text']);
  return bind(libc, () => find(null, 'environ'));
}

function bindDarwin(ffi: Ffi): VariableCalls {
  const system = ffi.library('/usr/lib/libSystem.B.dylib');
  return bind(system, system.func('_NSGetEnviron', 'pointer', []));
}

function bind(library: Library, environ: () => Address | null): VariableCalls {
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    library.func<F>(name, result, parameters);
  return {
    environ,
    strncmp: call('strncmp', 'int', 'pointer', 'pointer', 'size'),
    strlen: call('strlen', 'size', 'pointer'),
    memmem: call('memmem', 'pointer', 'pointer', 'size', 'pointer', 'size'),
    memmove: call('memmove', 'void', 'pointer', 'pointer', 'size'),
    memset: call('memset', 'void', 'pointer', 'int', 'size'),
    unsetenv: call('unsetenv', 'int', 'text'),
  };
}
