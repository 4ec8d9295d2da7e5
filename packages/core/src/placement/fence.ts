import type { CanaryFinding } from '../telemetry/events.js';
import { CANARY_HIGH, CANARY_LOW, canaryBytes } from './canary.js';
import type { Region } from './region.js';
import { CANARY_BYTE_LENGTH } from './size-classes.js';

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

/** Writes a canary into a region. After a throw nothing has changed. */
export function writeCanary(region: Region, byteOffset: number): void {
  const words = region.words('read-write');
  if (words === undefined) region.write(byteOffset, canaryBytes());
  else writeCanaryInto(words, byteOffset);
}

/** Writes so many canaries, one in each stride from the start of the region on. */
export function writeCanaries(region: Region, strideByteLength: number, count: number): void {
  const words = region.words('read-write');
  for (let i = 0; i < count; i++) {
    const byteOffset = i * strideByteLength;
    if (words === undefined) region.write(byteOffset, canaryBytes());
    else writeCanaryInto(words, byteOffset);
  }
}

function writeCanaryInto(words: Int32Array, byteOffset: number): void {
  words[byteOffset >>> 2] = CANARY_LOW;
  words[(byteOffset >>> 2) + 1] = CANARY_HIGH;
}

/**
 * What is wrong around a place from `from` to `to` of which `byteLength` bytes are content: the canaries before and after it,
 * and the slack behind the content. Undefined when all is as it must be.
 */
export function examineFence(
  region: Region,
  from: number,
  to: number,
  byteLength: number,
): CanaryFinding | undefined {
  const words = region.words('read-only');
  if (words !== undefined) return findingIn(words, from >>> 2, to >>> 2, byteLength);
  const copy = new Uint8Array(new ArrayBuffer(to - from + 2 * CANARY_BYTE_LENGTH));
  // The content is never copied.
  region.read(from - CANARY_BYTE_LENGTH, copy.subarray(0, CANARY_BYTE_LENGTH));
  region.read(from + byteLength, copy.subarray(CANARY_BYTE_LENGTH + byteLength));
  const around = new Int32Array(copy.buffer);
  return findingIn(around, CANARY_BYTE_LENGTH >>> 2, around.length - 2, byteLength);
}

/** Writes the canaries around such a place anew, after damage was reported, and zeros into its slack. */
export function repairFence(region: Region, from: number, to: number, byteLength: number): void {
  writeCanary(region, from - CANARY_BYTE_LENGTH);
  writeCanary(region, to);
  region.wipe(from + byteLength, to - from - byteLength);
}

/** Whether nothing was written between the end of the content and the end of the slot. */
export function isSlackZero(
  words: Int32Array,
  start: number,
  end: number,
  byteLength: number,
): boolean {
  let slack = start + (byteLength >>> 2);
  const partial = (byteLength & 3) * 8;
  if (partial > 0) {
    const mask = LITTLE_ENDIAN ? -1 << partial : -1 >>> partial;
    if (((words[slack++] as number) & mask) !== 0) return false;
  }
  for (; slack < end; slack++) if (words[slack] !== 0) return false;
  return true;
}

/** Words and not doubles: to a double, the one bit of -0 is nothing. */
function findingIn(
  words: Int32Array,
  start: number,
  end: number,
  byteLength: number,
): CanaryFinding | undefined {
  const before = words[start - 2] !== CANARY_LOW || words[start - 1] !== CANARY_HIGH;
  const after =
    words[end] !== CANARY_LOW ||
    words[end + 1] !== CANARY_HIGH ||
    !isSlackZero(words, start, end, byteLength);
  return before || after ? { before, after } : undefined;
}
