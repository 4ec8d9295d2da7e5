import koffi from 'koffi';

/** The system calls that a backend on Linux needs, as an author without the product's own packages would bind them. */
const libc = koffi.load(null);
const mmap = libc.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, long)');
const two = (/** @type {string} */ name) => libc.func(`int ${name}(uintptr_t, size_t)`);
const three = (/** @type {string} */ name) => libc.func(`int ${name}(uintptr_t, size_t, int)`);
const setrlimit = libc.func('int setrlimit(int, void *)');

export const PAGE = 4096;
export const [NONE, READ, WRITE, EXECUTE] = [0, 1, 2, 4];
export const MADVISE = {
  RANDOM: 1,
  NORMAL: 0,
  DONTFORK: 10,
  DOFORK: 11,
  DONTDUMP: 16,
  DODUMP: 17,
  WIPEONFORK: 18,
  GUARD_INSTALL: 102,
  GUARD_REMOVE: 103,
};
export const ERRNO = { EPERM: 1, EAGAIN: 11, ENOMEM: 12 };
const [PRIVATE_ANONYMOUS, RLIMIT_MEMLOCK, MAP_FAILED] = [0x22, 8, 2 ** 64];

/** Zero, or the number of the error. @param {(...args: any[]) => number} call */
const checked =
  (call) =>
  (/** @type {any[]} */ ...args) =>
    call(...args) === 0 ? 0 : koffi.errno();

export const mprotect = checked(three('mprotect'));
export const madvise = checked(three('madvise'));
export const mlock = checked(two('mlock'));
export const munlock = checked(two('munlock'));
export const munmap = checked(two('munmap'));
/** Locks what is touched later, page by page. @type {(start: number, byteLength: number) => number} */
export const mlockOnFault = (start, byteLength) =>
  checked(libc.func('int mlock2(uintptr_t, size_t, int)'))(start, byteLength, 1);

/** Fresh pages without access, or the number of the error. @param {number} byteLength @param {number} [access] */
export function reserve(byteLength, access = NONE) {
  const start = Number(mmap(0, byteLength, access, PRIVATE_ANONYMOUS, -1, 0));
  return start >= MAP_FAILED - PAGE ? { errno: koffi.errno() } : { start };
}

/** @param {number} softByteLength @param {number} hardByteLength */
export function setLockLimit(softByteLength, hardByteLength) {
  const limit = Buffer.alloc(16);
  limit.writeBigUInt64LE(BigInt(softByteLength), 0);
  limit.writeBigUInt64LE(BigInt(hardByteLength), 8);
  return setrlimit(RLIMIT_MEMLOCK, limit) === 0 ? 0 : koffi.errno();
}

/** The bytes at an address; a new ArrayBuffer over them each time. @param {number} start @param {number} byteLength */
export function bytesAt(start, byteLength) {
  if (byteLength === 0) return new Uint8Array(new ArrayBuffer(0));
  return new Uint8Array(koffi.view(BigInt(start), byteLength));
}
