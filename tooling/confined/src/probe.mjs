/**
 * Locks one page after another with raw system calls, and says how far it came. It uses nothing of securemem, so that
 * what it reports about the limit does not depend on the code that the limit is there to test.
 *
 * Usage: node probe.mjs PAGES. Prints `{ pageByteLength, lockedPages, errno }`; errno is 0 when every page was locked.
 */
import koffi from 'koffi';

const readWrite = 3;
const privateAnonymous = 0x22;
const pageSizeName = 30;

const libc = koffi.load(null);
const mmap = libc.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, long)');
const mlock = libc.func('int mlock(uintptr_t, size_t)');
const sysconf = libc.func('long sysconf(int)');

const pageByteLength = Number(sysconf(pageSizeName));
const pages = Number(process.argv[2]);
const start = BigInt(mmap(0, pages * pageByteLength, readWrite, privateAnonymous, -1, 0));

let lockedPages = 0;
let errno = 0;
while (lockedPages < pages && errno === 0) {
  if (mlock(start + BigInt(lockedPages * pageByteLength), pageByteLength) === 0) lockedPages += 1;
  else errno = koffi.errno();
}

process.stdout.write(JSON.stringify({ pageByteLength, lockedPages, errno }));
