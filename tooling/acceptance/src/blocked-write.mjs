/**
 * Asynchronous native work that reads memory as late as a test wants: a write by the system into a pipe that is full. It
 * has the address from the moment it starts, and reads what is there only when somebody empties the pipe.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load(null);
const pipe = libc.func('int pipe(_Out_ int *)');
const fcntl = libc.func('int fcntl(int, int, int)');
const write = libc.func('long write(int, const void *, size_t)');
koffi.struct('iovec', { iov_base: 'const void *', iov_len: 'size_t' });
const writev = libc.func('long writev(int, const iovec *, int)');
const setPipeSize = 1031;

const filler = new Uint8Array(new ArrayBuffer(65_536));

/**
 * Starts the work on the bytes. `finish` lets it read them, and gives what it read; call it once.
 * @param {readonly Uint8Array[]} parts
 */
export function startBlockedWrite(parts) {
  const ends = new Int32Array(2);
  if (pipe(ends) !== 0) throw new Error('no pipe to be had');
  const [from = -1, to = -1] = ends;
  const capacity = fcntl(to, setPipeSize, 4096);
  if (capacity < 4096 || capacity > filler.length) throw new Error('the pipe has an odd size');
  writeSync(to, filler, 0, capacity);
  const byteLength = parts.reduce((sum, part) => sum + part.length, 0);
  const settled = new Promise((resolve, reject) => {
    /** @param {Error | null} error @param {number} written */
    const done = (error, written) => (error === null ? resolve(written) : reject(error));
    const [only] = parts;
    if (parts.length === 1) write.async(to, only, byteLength, done);
    else {
      const vector = parts.map((part) => ({ iov_base: part, iov_len: part.length }));
      writev.async(to, vector, parts.length, done);
    }
  });
  const finish = async () => {
    try {
      for (let left = capacity; left > 0; ) left -= readSync(from, filler, 0, left, null);
      filler.fill(0);
      if ((await settled) !== byteLength) throw new Error('the write was cut short');
      const read = new Uint8Array(new ArrayBuffer(byteLength));
      for (let filled = 0; filled < byteLength; ) {
        filled += readSync(from, read, filled, byteLength - filled, null);
      }
      return read;
    } finally {
      closeSync(from);
      closeSync(to);
    }
  };
  return { settled, finish };
}
