/** Input that holds a marker, made with no copy left behind: files, pipes, sockets. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';

/** @typedef {import('./memory-scan.mjs').Marker} Marker */
/** What is written: a marker, or something around one. @typedef {Pick<Marker, 'byteLength' | 'fill'>} Input */

/** @param {number} byteLength */
export const offHeap = (byteLength) => new Uint8Array(new ArrayBuffer(byteLength));
/** @param {Input} marker */
export const bytesOf = (marker) => marker.fill(offHeap(marker.byteLength));

/** A document of JSON with a marker as the string at `/data/key`, which must need no escapes. @param {Input} marker
 *  @param {string} [end] comes behind the document @returns {Input} */
export function inJson(marker, end = '') {
  const before = Buffer.from('{"kind":"kv","data":{"user":"app","key":"');
  const after = Buffer.from(`"}}${end}\n`);
  return {
    byteLength: before.length + marker.byteLength + after.length,
    fill(bytes) {
      bytes.set(before);
      marker.fill(bytes.subarray(before.length));
      bytes.set(after, before.length + marker.byteLength);
      return bytes;
    },
  };
}

/** Each byte of a marker of ASCII as an escape of JSON. @param {Input} marker @returns {Input} */
export function escaped(marker) {
  const digits = Buffer.from('0123456789abcdef');
  return {
    byteLength: marker.byteLength * 6,
    fill(bytes) {
      const plain = bytesOf(marker);
      for (const [index, byte] of plain.entries()) {
        bytes.set(Buffer.from('\\u00'), index * 6);
        bytes[index * 6 + 4] = Number(digits[byte >> 4]);
        bytes[index * 6 + 5] = Number(digits[byte & 15]);
      }
      plain.fill(0);
      return bytes;
    },
  };
}

/** Writes a marker to a descriptor, and wipes what it wrote. @param {number} fd @param {Marker} marker */
function writeOut(fd, marker) {
  const bytes = bytesOf(marker);
  writeSync(fd, bytes);
  bytes.fill(0);
}

/** Calls `fn` with the path of a file that holds the marker. @template T
 *  @param {Input} marker @param {(path: string) => T | Promise<T>} fn */
export async function withFile(marker, fn) {
  const directory = mkdtempSync(join(tmpdir(), 'secmem-copies-'));
  try {
    const path = join(directory, 'secret');
    const bytes = bytesOf(marker);
    writeFileSync(path, bytes);
    bytes.fill(0);
    return await fn(path);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Calls `fn` with a descriptor of a named pipe that the marker was written to. @template T
 *  @param {Marker} marker @param {(fd: number) => Promise<T>} fn */
export async function withPipe(marker, fn) {
  const directory = mkdtempSync(join(tmpdir(), 'secmem-copies-'));
  try {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const both = openSync(path, 'r+');
    const fd = openSync(path, 'r');
    writeOut(both, marker);
    closeSync(both);
    const result = await fn(fd);
    closeSync(fd);
    return result;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Calls `fn` with one end of a socket whose other end the marker was written to. @template T
 *  @param {Marker} marker @param {(fd: number) => Promise<T>} fn */
export async function withSocket(marker, fn) {
  const unix = 1;
  const stream = 1;
  const ends = new Int32Array(2);
  const socketpair = koffi.load(null).func('int socketpair(int, int, int, _Out_ int *)');
  if (socketpair(unix, stream, 0, ends) !== 0) throw new Error('no socket to be had');
  const [here = -1, there = -1] = ends;
  writeOut(there, marker);
  closeSync(there);
  const result = await fn(here);
  closeSync(here);
  return result;
}
