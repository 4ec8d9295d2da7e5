/** A function of a library, as `node:ffi` types it: integers of 64 bits and pointers are `bigint`. */
export type NativeCall = (...values: unknown[]) => unknown;

/** What this package uses of `node:ffi`. The types of Node that we build with know nothing of it. */
export interface NodeFfi {
  dlopen(path: string | null): {
    readonly lib: {
      getFunction(
        name: string,
        signature: { readonly return: string; readonly arguments: readonly string[] },
      ): NativeCall;
    };
  };
  toArrayBuffer(address: bigint, byteLength: number, copy: false): ArrayBuffer;
  getRawPointer(bytes: Uint8Array): bigint;
  getInt32(address: bigint): number;
}

/** The first version that has it without a flag; from 26.1 on it is behind `--experimental-ffi`. */
const FIRST = '26.9';

function reasonOfAbsence(): string {
  const { node, bun, deno } = process.versions as Record<string, string | undefined>;
  const other = bun !== undefined || deno !== undefined;
  if (other) return 'this runtime has no node:ffi: it is of Node alone';
  const [major = 0, minor = 0] = String(node).split('.').map(Number);
  const flagged = major === 26 && minor >= 1;
  return flagged
    ? `Node ${node} has node:ffi only where it is started with --experimental-ffi, and needs no flag from ${FIRST} on`
    : `Node ${node} has no node:ffi: it comes with Node ${FIRST}`;
}

function reasonFor(cause: unknown): string {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ERR_ACCESS_DENIED') {
    return "Node's permission model forbids node:ffi: start it with --allow-ffi";
  }
  return `node:ffi cannot be used: ${(cause as Error).message}`;
}

/**
 * Loads `node:ffi` and asks for the permission to use it. Throws an Error that says why it is not to be had here. It is asked
 * for by a call that needs no address of this file, so that a bundle finds it as well; every Node that has it has the call.
 *
 * Node prints once for each process that it is experimental. That is true, and nothing here hides it.
 */
export function loadNodeFfi(): NodeFfi {
  const find: ((name: string) => object | undefined) | undefined = process.getBuiltinModule;
  const ffi = find?.('node:ffi') as NodeFfi | undefined;
  if (ffi === undefined) throw new Error(reasonOfAbsence());
  try {
    if (process.platform !== 'win32') ffi.dlopen(null);
    return ffi;
  } catch (cause) {
    throw new Error(reasonFor(cause), { cause });
  }
}
