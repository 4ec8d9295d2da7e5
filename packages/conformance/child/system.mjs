/**
 * System calls that the evidence needs and Node does not have, by way of koffi. Without koffi nothing here can be
 * had, and what depends on it is reported as not proven.
 */

/** Numbers of system calls. Architectures that are missing here are not proven, never guessed. */
const callNumbers = {
  x64: { audit: 0xc000003e, mlock: 149, mlock2: 325, madvise: 28, mprotect: 10, munmap: 11 },
  arm64: { audit: 0xc00000b7, mlock: 228, mlock2: 284, madvise: 233, mprotect: 226, munmap: 215 },
};
const memfdSecret = 447;

const stackByteLength = 65_536;
const SIGCHLD = 17;
const EPERM = 1;
const EAGAIN = 11;
const ENOMEM = 12;
const MADV_DONTFORK = 10;
const MADV_DOFORK = 11;
const MADV_DONTDUMP = 16;
const MADV_DODUMP = 17;
const MADV_WIPEONFORK = 18;
/** Does nothing, and fails, on kernels without guard markers. */
const MADV_GUARD_REMOVE = 103;
const PR_GET_DUMPABLE = 3;
const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;

/** From linux/filter.h and linux/seccomp.h: load a word of the call, compare it, return a verdict. */
const load = 0x20;
const equal = 0x15;
const atLeast = 0x35;
const verdict = 0x06;
const allowed = 0x7fff0000;
const refusedWith = 0x00050000;

/** @returns {Promise<ReturnType<typeof systemOf> | undefined>} */
export async function openSystem() {
  try {
    const { default: koffi } = await import('koffi');
    return systemOf(koffi);
  } catch {
    return undefined;
  }
}

/** @param {any} koffi */
function systemOf(koffi) {
  const libc = koffi.load(null);
  const prctl = libc.func(
    'int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)',
  );
  const munlock = libc.func('int munlock(uintptr_t, size_t)');
  const mprotect = libc.func('int mprotect(uintptr_t, size_t, int)');
  const madvise = libc.func('int madvise(uintptr_t, size_t, int)');
  const mlock = libc.func('int mlock(uintptr_t, size_t)');
  const mmap = libc.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, long)');
  const munmap = libc.func('int munmap(uintptr_t, size_t)');
  const clone = libc.func('int clone(uintptr_t, uintptr_t, int, uintptr_t)');
  const dlsym = libc.func('uintptr_t dlsym(uintptr_t, str)');
  const waitpid = libc.func('int waitpid(int, void *, int)');

  return {
    /** Takes the lock off a range behind everybody's back. @param {number} start @param {number} byteLength */
    unlock: (start, byteLength) => munlock(start, byteLength) === 0,

    /** Makes pages accessible that were not, guards and their markers too. @param {number} start @param {number} byteLength */
    open(start, byteLength) {
      madvise(start, byteLength, MADV_GUARD_REMOVE);
      return mprotect(start, byteLength, 3) === 0;
    },

    /** Gives pages back to core files, or to children. @param {number} start @param {number} byteLength @param {'dump' | 'fork'} to */
    advise: (start, byteLength, to) =>
      madvise(start, byteLength, to === 'dump' ? MADV_DODUMP : MADV_DOFORK) === 0,

    /** Whether this process leaves core files, and others of its user may look at it. */
    dumpable: () => prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),

    /** Takes all access away likewise. @param {number} start @param {number} byteLength */
    close: (start, byteLength) => mprotect(start, byteLength, 0) === 0,

    /** Pages that can be locked one by one before the kernel refuses, at most `pagesMax`. @param {number} pagesMax */
    lockablePages(pagesMax) {
      const start = Number(mmap(0, pagesMax * 4096, 3, 0x22, -1, 0));
      let pages = 0;
      while (pages < pagesMax && mlock(start + pages * 4096, 4096) === 0) pages += 1;
      munlock(start, pagesMax * 4096);
      munmap(start, pagesMax * 4096);
      return pages;
    },

    /** Reads or writes one byte. Kills the process where the page says so. @param {number} address @param {string} access */
    touch(address, access) {
      const byte = new Uint8Array(koffi.view(BigInt(address), 1));
      if (access === 'write') byte[0] = 1;
      return byte[0];
    },

    /**
     * What a forked child finds at an address: how many bytes that are not zero stand there in a row, or undefined when
     * the touch kills the child. The engine cannot run in a forked child, since it keeps part of its own memory out of
     * children; so the child is a single call of strlen, and its exit code is the answer.
     * @param {number} address
     */
    bytesInFork(address) {
      const stack = Number(mmap(0, stackByteLength, 3, 0x22, -1, 0));
      const child = clone(dlsym(0, 'strlen'), stack + stackByteLength, SIGCHLD, address);
      const status = Buffer.alloc(4);
      waitpid(child, status, 0);
      munmap(stack, stackByteLength);
      const exited = (status.readInt32LE(0) & 0x7f) === 0;
      return exited ? (status.readInt32LE(0) >> 8) & 0xff : undefined;
    },

    /**
     * From now on the kernel refuses this system call to this thread; inside a range of addresses only, for those that
     * the engine itself needs. @param {'mlock' | 'madvise' | 'mprotect' | 'munmap'} call @param {number} start @param {number} byteLength
     */
    refuse(call, start, byteLength) {
      const numbers = callNumbers[/** @type {'x64' | 'arm64'} */ (process.arch)];
      if (numbers === undefined) return false;
      const program = programOf(numbers, call, start, start + byteLength);
      const bytes = Buffer.alloc(8 * program.length);
      program.forEach(([code, yes, no, value], index) => {
        bytes.writeUInt16LE(code, index * 8);
        bytes.writeUInt8(yes, index * 8 + 2);
        bytes.writeUInt8(no, index * 8 + 3);
        bytes.writeUInt32LE(value, index * 8 + 4);
      });
      const header = Buffer.alloc(16);
      header.writeUInt16LE(program.length, 0);
      header.writeBigUInt64LE(BigInt(koffi.address(bytes)), 8);
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, Number(koffi.address(header)), 0, 0) === 0;
    },
  };
}

/**
 * @param {(typeof callNumbers)['x64']} numbers @param {string} call @param {number} start @param {number} end
 * @returns {[number, number, number, number][]} code, jump if true, jump if false, value
 */
function programOf(numbers, call, start, end) {
  /** @type {[number, number, number, number][]} */
  const body = [];
  if (call === 'mlock') {
    const refused = [numbers.mlock, numbers.mlock2, memfdSecret];
    for (const [index, number] of refused.entries())
      body.push([equal, refused.length - 1 - index + 1, 0, number]);
    // The last comparison that fails falls through to "allowed"; every match jumps past it.
    body.push([verdict, 0, 0, allowed], [verdict, 0, 0, refusedWith | EPERM]);
  } else if (call === 'madvise') {
    body.push([equal, 1, 0, numbers.madvise], [verdict, 0, 0, allowed], [load, 0, 0, 32]);
    body.push([equal, 3, 0, MADV_DONTDUMP], [equal, 2, 0, MADV_WIPEONFORK]);
    body.push([equal, 1, 0, MADV_DONTFORK], [verdict, 0, 0, allowed]);
    body.push([verdict, 0, 0, refusedWith | EAGAIN]);
  } else {
    const number = call === 'munmap' ? numbers.munmap : numbers.mprotect;
    const high = Math.floor(start / 2 ** 32);
    body.push([equal, 1, 0, number], [verdict, 0, 0, allowed]);
    body.push([load, 0, 0, 20], [equal, 1, 0, high], [verdict, 0, 0, allowed], [load, 0, 0, 16]);
    body.push([atLeast, 1, 0, start % 2 ** 32], [verdict, 0, 0, allowed]);
    body.push([atLeast, 0, 1, end % 2 ** 32], [verdict, 0, 0, allowed]);
    body.push([verdict, 0, 0, refusedWith | ENOMEM]);
  }
  return [
    [load, 0, 0, 4],
    [equal, 1, 0, numbers.audit],
    [verdict, 0, 0, allowed],
    [load, 0, 0, 0],
    ...body,
  ];
}
