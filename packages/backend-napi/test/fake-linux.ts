import type { Address } from '@securemem/over-ffi';
import type { LinuxCalls } from '@securemem/over-ffi/linux-calls';

const FAILED = (2n ** 64n - 1n) as Address;
const BASE = 0x10000n as Address;
const NO_LIMIT = 2n ** 64n - 1n;

/**
 * The calls of Linux with no memory behind them. The n-th of those that the addon can be made to fail at fails: what only
 * undoes something is not counted.
 */
export class FakeLinux implements LinuxCalls {
  readonly #softLimit: () => number;
  #countdown = 0;
  #errno = 0;

  /** Bytes; -1 is unlimited, and -2 cannot be read. */
  constructor(softLimit: () => number) {
    this.#softLimit = softLimit;
  }

  setFault(countdown: number, errno: number): void {
    this.#countdown = countdown;
    this.#errno = errno;
  }

  errno = () => this.#errno;
  mmap = () => this.#tried(BASE, FAILED);
  mremap = () => this.#tried(BASE, FAILED);
  mprotect = () => this.#tried(0, -1);
  mlock = () => this.#tried(0, -1);
  madvise = () => this.#tried(0, -1);
  /** A descriptor, or success of what writes to a page. */
  syscall = (number: number) => this.#tried(number === 447 ? 5 : 0, -1);
  ftruncate = () => this.#tried(0, -1);
  /** The last of a region's life, and one that undoes: only the first is counted, when nothing is mapped any more. */
  munmap = (_address: Address, byteLength: number) => (byteLength > 4096 ? this.#tried(0, -1) : 0);
  munlock = () => 0;
  close = () => 0;
  capget = () => -1;
  sysconf = () => 4096;
  memset = () => undefined;
  memmove = () => undefined;

  getrlimit = (_resource: number, limits: BigUint64Array): number => {
    const soft = this.#softLimit();
    if (soft === -2) return -1;
    limits.set(soft < 0 ? [NO_LIMIT, NO_LIMIT] : [BigInt(soft), 2n ** 20n]);
    return 0;
  };

  setrlimit = (): number => {
    // The addon reads the limits first, to leave the hard one as it is: one call more.
    if (this.#countdown > 1) this.#countdown -= 1;
    return this.#tried(0, -1);
  };

  #tried<Result>(done: Result, refused: Result): Result {
    if (this.#countdown === 0) return done;
    this.#countdown -= 1;
    return this.#countdown === 0 ? refused : done;
  }
}
