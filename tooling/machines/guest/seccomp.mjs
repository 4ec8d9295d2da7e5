import koffi from 'koffi';

/** Numbers of system calls, and what the kernel calls the architecture; `memfd_secret` is 447 everywhere. */
const NUMBERS = {
  x64: { audit: 0xc000003e, madvise: 28, locks: [149, 325, 447] },
  arm64: { audit: 0xc00000b7, madvise: 233, locks: [228, 284, 447] },
};
const EPERM = 1;
const EINVAL = 22;
const MADV_WIPEONFORK = 18;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const MODE_FILTER = 2;
/** linux/filter.h: load a word of the call, compare it, return a verdict. */
const LOAD = 0x20;
const EQUAL = 0x15;
const VERDICT = 0x06;
/** linux/seccomp.h: where a call's number, its architecture and the low word of its third argument lie. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const THIRD_ARGUMENT = 32;
const ALLOWED = 0x7fff0000;
const REFUSED_WITH = 0x00050000;

/** Code, instructions to skip when true and when false, value. @typedef {readonly [number, number, number, number]} Instruction */

/**
 * From now on every lock is refused to this thread with EPERM, as systemd-nspawn and other sandboxes do it. False where no
 * such filter can be set.
 */
export function forbidLocking() {
  return refuse(({ locks }) => [
    ...locks.map((call, i) => /** @type {Instruction} */ ([EQUAL, locks.length - i, 0, call])),
    [VERDICT, 0, 0, ALLOWED],
    [VERDICT, 0, 0, REFUSED_WITH | EPERM],
  ]);
}

/** From now on this thread's kernel knows no MADV_WIPEONFORK, as before Linux 4.14. False where no such filter can be set. */
export function forgetWipeOnFork() {
  return refuse(({ madvise }) => [
    [EQUAL, 0, 2, madvise],
    [LOAD, 0, 0, THIRD_ARGUMENT],
    [EQUAL, 1, 0, MADV_WIPEONFORK],
    [VERDICT, 0, 0, ALLOWED],
    [VERDICT, 0, 0, REFUSED_WITH | EINVAL],
  ]);
}

/** @param {(numbers: { madvise: number, locks: readonly number[] }) => readonly Instruction[]} judgementOf begins with the call's number loaded */
function refuse(judgementOf) {
  const numbers = NUMBERS[/** @type {'x64' | 'arm64'} */ (process.arch)];
  if (process.platform !== 'linux' || numbers === undefined) return false;
  /** @type {readonly Instruction[]} */
  const program = [
    [LOAD, 0, 0, ARCHITECTURE],
    [EQUAL, 1, 0, numbers.audit],
    [VERDICT, 0, 0, ALLOWED],
    [LOAD, 0, 0, NUMBER],
    ...judgementOf(numbers),
  ];
  const bytes = Buffer.alloc(8 * program.length);
  for (const [i, [code, whenTrue, whenFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, i * 8);
    bytes.writeUInt8(whenTrue, i * 8 + 2);
    bytes.writeUInt8(whenFalse, i * 8 + 3);
    bytes.writeUInt32LE(value, i * 8 + 4);
  }
  const header = Buffer.alloc(16);
  header.writeUInt16LE(program.length, 0);
  header.writeBigUInt64LE(BigInt(koffi.address(bytes)), 8);
  const prctl = koffi
    .load(null)
    .func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return prctl(PR_SET_SECCOMP, MODE_FILTER, Number(koffi.address(header)), 0, 0) === 0;
}
