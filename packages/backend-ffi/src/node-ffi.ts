import type { Address, Binding, CType, Ffi, Library } from '@securemem/over-ffi';
import { loadNodeFfi, type NativeCall, type NodeFfi } from './node-ffi-module.js';

/** The types of the tables in the words of `node:ffi`. */
const TYPES: Readonly<Record<CType, string>> = {
  void: 'void',
  pointer: 'pointer',
  size: 'uint64',
  int64: 'int64',
  int: 'int32',
  uint: 'uint32',
  text: 'string',
};

const isWide = (type: CType) => type === 'size' || type === 'int64';

/** Not every 26.x takes a number for an integer of 64 bits; all take a bigint. */
const wide = (value: unknown) => BigInt(value as number);

/**
 * A call that takes and gives integers as numbers. Written out for the lengths that are called often: a list of arguments
 * would be an allocation for each call.
 */
function withNumbers(call: NativeCall, parameters: readonly CType[]): NativeCall {
  const [a = false, b = false, c = false] = parameters.map(isWide);
  if (!parameters.some(isWide)) return call;
  if (parameters.length === 1) return (x) => call(wide(x));
  if (parameters.length === 2) return (x, y) => call(a ? wide(x) : x, b ? wide(y) : y);
  if (parameters.length === 3) {
    return (x, y, z) => call(a ? wide(x) : x, b ? wide(y) : y, c ? wide(z) : z);
  }
  const widths = parameters.map(isWide);
  return (...values) => call(...values.map((value, at) => (widths[at] ? wide(value) : value)));
}

function withResult(call: NativeCall, result: CType): NativeCall {
  if (isWide(result)) return (...values) => Number(call(...values));
  if (result === 'pointer') {
    return (...values) => {
      const address = call(...values);
      return address === 0n ? null : address;
    };
  }
  return call;
}

/** Where the C library of this system keeps `errno` of the calling thread; a binding belongs to one thread. */
function errnoAddress(library: Library): bigint | undefined {
  const names = { linux: '__errno_location', darwin: '__error' } as Record<string, string>;
  const name = names[process.platform];
  return name === undefined ? undefined : library.func<() => bigint>(name, 'pointer', [])();
}

function overNode(node: NodeFfi): Ffi {
  const libraries = new Map<string | null, Library>();
  const load = (name: string | null): Library => {
    // There is no name for the process itself on Windows, but its executable is what is looked for there.
    const path = name === null && process.platform === 'win32' ? process.execPath : name;
    const { lib } = node.dlopen(path);
    return {
      func<Call>(symbol: string, result: CType, parameters: readonly CType[]) {
        const types = parameters.map((type) => TYPES[type]);
        const call = lib.getFunction(symbol, { return: TYPES[result], arguments: types });
        return withResult(withNumbers(call, parameters), result) as Call;
      },
    };
  };
  const library = (name: string | null): Library => {
    const known = libraries.get(name) ?? load(name);
    libraries.set(name, known);
    return known;
  };
  const errnoAt = errnoAddress(library(null));
  return {
    library,
    view: (address, byteLength) => node.toArrayBuffer(address, byteLength, false),
    address: (bytes) => node.getRawPointer(bytes) as Address,
    errno: () => (errnoAt === undefined ? 0 : node.getInt32(errnoAt)),
  };
}

/**
 * One for this thread, whatever is opened: every function of every library is machine code that Node generates, in a mapping
 * that stays until the library is garbage.
 */
let loaded: Ffi | undefined;

/** System calls through `node:ffi`, which is loaded when a backend is opened or probed. */
export const nodeFfi: Binding = {
  backendName: 'ffi',
  factoryName: 'ffiBackend',
  load() {
    loaded ??= overNode(loadNodeFfi());
    return loaded;
  },
};
