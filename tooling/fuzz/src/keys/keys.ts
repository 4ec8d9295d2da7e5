import assert from 'node:assert/strict';
import { isSecureMemoryError } from '@securemem/core';
import { type Allocator, createAllocator, type ImportedKey } from '@securemem/core/src/index.js';
import { nolockBackend } from '@securemem/nolock';
import type { Random } from '../random.mjs';
import type { Target, TargetDefinition } from '../target.mjs';
import { DOORS, type Door, keyFile } from './key-files.js';
import { isOneSequence, privatePartByNode } from './key-model.js';

/**
 * The doors for files of private keys. The first byte of an input says which, the rest is the file. No door takes what `node:crypto`
 * refuses; both find the same private part; and what a door refuses it leaves as it was.
 */
const definition: TargetDefinition = { byteLengthMax: 5000, make, open };
export default definition;

const REASONS = [
  'syntax',
  'unsupported',
  'value',
  'mismatch',
  'missing',
  'encrypted',
  'cost',
  'empty',
  'encoding',
  'depth',
  'duplicate',
  'type',
];

function make(random: Random): Uint8Array {
  const door = random.below(DOORS.length);
  return Buffer.concat([Buffer.of(door), keyFile(DOORS[door] as Door, random)]);
}

function open(): Target {
  const memory = createAllocator({ backend: nolockBackend(), exitHooks: false });
  return {
    async run(bytes) {
      const door = DOORS[(bytes[0] ?? 0) % DOORS.length] as Door;
      const file = bytes.subarray(1);
      const outcome = await pass(memory, door, file);
      assert.equal(memory.stats().secrets, 0, 'nothing is left');
      return [`${door}:${outcome}`];
    },
  };
}

/** The type of the key, or why there is none. */
async function pass(memory: Allocator, door: Door, file: Uint8Array): Promise<string> {
  const source = new Uint8Array(new ArrayBuffer(file.length));
  source.set(file);
  let key: ImportedKey;
  try {
    key = await memory[door](source);
  } catch (error) {
    if (!isSecureMemoryError(error, 'ERR_SECMEM_INPUT_INVALID')) throw error;
    const { reason, byteOffset = 0 } = error.details;
    assert.ok(REASONS.includes(String(reason)), `a reason that is known: ${String(reason)}`);
    assert.ok(Number(byteOffset) >= 0 && Number(byteOffset) <= file.length, 'a place inside');
    assert.deepEqual(source, Uint8Array.from(file), 'what was refused is as it was');
    return String(reason);
  }
  try {
    assert.ok(
      source.every((byte) => byte === 0),
      'what was taken is wiped',
    );
    if (door === 'fromDer') assert.ok(isOneSequence(file), 'the key is all of the file');
    const wanted = privatePartByNode(door, file);
    const found = key.secret.read((bytes) => Buffer.from(bytes).toString('hex'));
    if (wanted !== 'unknown') assert.equal(found, wanted, 'what node:crypto finds');
    return key.type;
  } finally {
    key.secret.dispose();
  }
}
