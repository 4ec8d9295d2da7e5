import type { KeyObject } from 'node:crypto';
import { expect } from 'vitest';
import {
  type Allocator,
  type ImportedKey,
  isSecureMemoryError,
  type Secret,
} from '../../src/index.js';
import { bytesOf } from './samples.js';

/** The four doors by name. */
export type DoorName = 'fromPem' | 'fromDer' | 'fromJwk' | 'fromOpenSsh';

/** What a door made of a file, and gave back. */
export interface Taken {
  readonly type: string;
  readonly privatePart: Buffer;
  readonly publicKey: KeyObject;
}

export interface DoorOptions {
  readonly passphrase?: Secret;
  readonly pointer?: string;
}

/**
 * Lets a door take a file of bytes, and shows that it keeps its word: what was taken has been wiped, what was refused is as it was,
 * and nothing is left allocated. Gives the reason where it is refused.
 */
export async function pass(
  memory: Allocator,
  door: DoorName,
  file: Uint8Array | string,
  options: DoorOptions = {},
): Promise<Taken | string> {
  const source = bytesOf(file);
  const before = memory.stats().secrets;
  let key: ImportedKey;
  try {
    key = await memory[door](source, options);
  } catch (error) {
    if (!isSecureMemoryError(error, 'ERR_SECMEM_INPUT_INVALID')) throw error;
    expect(error.operation).toBe(door);
    expect(error.message.startsWith(`${door}: `)).toBe(true);
    expect(Buffer.compare(source, bytesOf(file))).toBe(0);
    expect(memory.stats().secrets).toBe(before);
    const { reason, byteOffset } = error.details;
    if (byteOffset !== undefined) {
      expect(byteOffset).toBeGreaterThanOrEqual(0);
      expect(byteOffset).toBeLessThanOrEqual(source.length);
    }
    return String(reason);
  }
  expect(source.every((byte) => byte === 0)).toBe(true);
  expect(memory.stats().secrets).toBe(before + 1);
  const privatePart = key.secret.read((bytes) => Buffer.from(bytes));
  key.secret.dispose();
  return { type: key.type, privatePart, publicKey: key.publicKey };
}

/** The same of a file that must be taken. */
export async function taken(
  memory: Allocator,
  door: DoorName,
  file: Uint8Array | string,
  options?: DoorOptions,
): Promise<Taken> {
  const outcome = await pass(memory, door, file, options);
  if (typeof outcome === 'string') throw new Error(`${door} refused it: ${outcome}`);
  return outcome;
}
