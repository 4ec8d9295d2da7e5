import { closeSync, openSync, readSync } from 'node:fs';
import { type Address, offsetBy } from './address.js';
import type { LinuxCalls } from './linux-calls.js';
import {
  failed,
  type LinuxPages,
  PROT,
  refusedBy,
  reserve,
  type Trial,
  unmapRegion,
} from './linux-pages.js';
import { isOneMapping, linesOf } from './linux-proc.js';
import type { Refused } from './refusal.js';

/** The number of memfd_secret is the same on every architecture: all system calls from 424 on are. */
const SYS_MEMFD_SECRET = 447;
/** `sysinfo` writes 112 bytes to its one argument, and nothing else comes of it. What has no number here is touched at once. */
const SYS_SYSINFO: { readonly [arch: string]: number } = {
  x64: 99,
  arm64: 179,
  riscv64: 179,
  loong64: 179,
};
const EPERM = 1;
const ENOSYS = 38;
const O_CLOEXEC = 0o2000000;
const MAP_SHARED = 0x01;
const MREMAP_MAYMOVE_FIXED = 1 | 2;
const MADV_DONTFORK = 10;

/**
 * Pages of a memfd_secret file, which the kernel takes out of its own map: not even root reads them through
 * `/proc/<pid>/mem`. They are charged against the lock limit when they are mapped, need no mlock (which would fail), are in
 * no core file, and a child has nothing in their place. The descriptor is closed at once; the mapping alone keeps the file,
 * and the kernel clears the pages when it goes.
 *
 * They are mapped where the kernel likes and then moved between the guards. A mapping over the reserved place (MAP_FIXED)
 * would be refused by the lock limit only after the kernel has taken away what was there: a hole in which another thread may
 * map meanwhile, and which is not ours to unmap.
 */
export class SecretPages implements LinuxPages {
  readonly kernelHidden = true;
  readonly #calls: LinuxCalls;
  readonly #page: number;

  constructor(calls: LinuxCalls, page: number) {
    this.#calls = calls;
    this.#page = page;
  }

  make(byteLength: number): Address | Refused {
    const file = this.#file(byteLength);
    if (typeof file !== 'number') return file;
    const loose = this.#mapped(file, byteLength);
    this.#calls.close(file);
    if (typeof loose !== 'bigint') return loose;
    const address = this.#betweenGuards(loose, byteLength);
    if (typeof address !== 'bigint') {
      this.#calls.munmap(loose, byteLength);
      return address;
    }
    const refused = this.#bringIn(address, byteLength);
    if (refused === undefined) return address;
    unmapRegion(this.#calls, address, byteLength, this.#page);
    return refused;
  }

  makeTrial(): Trial | Refused {
    const claims = { dumpExclusion: true, forkBehaviour: 'absent' } as const;
    const made = this.make(this.#page);
    if (typeof made === 'bigint') return { address: made, lockRefused: undefined, ...claims };
    if (made.asksFor !== 'hidden-lock') return made;
    return { address: undefined, lockRefused: made, ...claims }; // The file was had: that needs no lock.
  }

  #file(byteLength: number): number | Refused {
    const file = this.#calls.syscall(SYS_MEMFD_SECRET, O_CLOEXEC);
    if (file < 0) return refusedBy(this.#calls, 'memfd_secret', 'descriptor');
    if (this.#calls.ftruncate(file, byteLength) === 0) return file;
    const refused = refusedBy(this.#calls, 'ftruncate', 'memory');
    this.#calls.close(file);
    return refused;
  }

  /**
   * The first touch of such a page is what takes it out of the kernel's map; here, so that a region is resident as a whole. It
   * may be refused: some kernels (6.1) ask for the lock limit only then. A touch of ours would kill (SIGBUS), while a system
   * call that writes there is answered.
   */
  #bringIn(address: Address, byteLength: number): Refused | undefined {
    const calls = this.#calls;
    const sysinfo = SYS_SYSINFO[process.arch];
    for (let offset = 0; sysinfo !== undefined && offset < byteLength; offset += this.#page) {
      if (calls.syscall(sysinfo, Number(offsetBy(address, offset))) !== 0) {
        const refused = refusedBy(calls, 'memfd_secret', 'hidden-lock');
        // A sandbox may forbid the call, which then says nothing about the page.
        if (refused.errno !== EPERM && refused.errno !== ENOSYS) return refused;
      }
    }
    calls.memset(address, 0, byteLength);
    return undefined;
  }

  /** The pages, somewhere. This is where the lock limit is asked. */
  #mapped(file: number, byteLength: number): Address | Refused {
    const loose = this.#calls.mmap(null, byteLength, PROT['read-write'], MAP_SHARED, file, 0);
    if (failed(loose)) return refusedBy(this.#calls, 'mmap', 'hidden-lock');
    if (this.#calls.madvise(loose, byteLength, MADV_DONTFORK) === 0) return loose;
    const refused = refusedBy(this.#calls, 'madvise', 'memory');
    this.#calls.munmap(loose, byteLength);
    return refused;
  }

  /** Moves the pages into reserved address space. After a refusal they are where they were. */
  #betweenGuards(loose: Address, byteLength: number): Address | Refused {
    const calls = this.#calls;
    const page = this.#page;
    const address = reserve(calls, byteLength, page, 'replace');
    if (typeof address !== 'bigint') return address;
    const moved = calls.mremap(loose, byteLength, byteLength, MREMAP_MAYMOVE_FIXED, address);
    if (!failed(moved)) return address;
    const refused = refusedBy(calls, 'mremap', 'memory');
    // The kernel may have taken away what lay between the guards, and another thread may have mapped something there. A
    // reservation that is still one mapping is whole: nothing else can become part of it. Where it is not, or nothing can be
    // read, only the guards are certainly ours.
    const base = offsetBy(address, -page);
    if (isWhole(base, byteLength + 2 * page)) {
      calls.munmap(base, byteLength + 2 * page);
    } else {
      calls.munmap(base, page);
      calls.munmap(offsetBy(address, byteLength), page);
    }
    return refused;
  }
}

function isWhole(base: Address, byteLength: number): boolean {
  try {
    return isOneMapping(linesOf('/proc/self/maps'), base, byteLength);
  } catch {
    return false;
  }
}

/**
 * Whether the kernel refuses to read a page of this process, as it must where the page is hidden from it. True too where
 * nothing can be asked; false where it gives bytes, as under an emulator that hands out ordinary memory.
 */
export function kernelCannotRead(address: Address): boolean {
  let descriptor: number;
  try {
    descriptor = openSync('/proc/self/mem', 'r');
  } catch {
    return true;
  }
  try {
    return readSync(descriptor, new Uint8Array(new ArrayBuffer(1)), 0, 1, address) === 0;
  } catch {
    return true;
  } finally {
    closeSync(descriptor);
  }
}
