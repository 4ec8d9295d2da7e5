import {
  type BackendCapabilities,
  isSecureMemoryError,
  type LockLimit,
  type MemoryBackend,
  type RegionId,
} from '@securemem/core/contract';
import { BackendErrors } from '@securemem/over-ffi/errors';
import { FfiBackend } from '@securemem/over-ffi/ffi-backend';
import { Linux } from '@securemem/over-ffi/linux';
import { AnonymousPages } from '@securemem/over-ffi/linux-anonymous';
import { SecretPages } from '@securemem/over-ffi/linux-secret';
import { describe, expect, it } from 'vitest';
import type { Binding } from '../src/binding.js';
import { NapiBackend } from '../src/napi-backend.js';
import { FakeLinux } from './fake-linux.js';
import { testBuild } from './native-build.js';

const built = testBuild();

/** What both backends are told of the process. */
interface Fed {
  limit: number;
  inUse: number | 'unknown';
}

const CAPABILITIES: BackendCapabilities = {
  locking: 'locked',
  guardPages: true,
  protection: 'no-access',
  dumpExclusion: true,
  forkBehaviour: 'zeroed',
  kernelHidden: false,
  views: 'none',
  threadExit: 'kept',
  cipher: 'none',
  keys: [],
  keysLater: [],
  keyReferences: 'none',
  environment: 'none',
};

/** The addon, of which the n-th system call fails, told of a limit and of locked bytes that are not those of this process. */
function overAddon(binding: Required<Binding>, kind: number, fed: Fed): NapiBackend {
  const told: Binding = {
    ...binding,
    lockNumbers: (target) => {
      target.set([fed.limit, fed.limit < 0 ? fed.limit : 2 ** 20, -1, 0]);
      return 0;
    },
    lockedByteLength: () => (fed.inUse === 'unknown' ? -2 : fed.inUse),
    setLockLimit: (soft, most) => binding.setLockLimit(soft, most),
  };
  return new NapiBackend(told, binding.open(kind), CAPABILITIES);
}

/** The same over an FFI, where the calls of Linux are a stand-in. */
function overFfi(calls: FakeLinux, kind: number, fed: Fed): FfiBackend {
  class Told extends Linux {
    override lockedByteLength() {
      return fed.inUse;
    }
  }
  const errors = new BackendErrors('napi');
  const system = new Told(calls, errors, kind === 0 ? AnonymousPages : SecretPages);
  const viewOf = () => new ArrayBuffer(0);
  const own = { cipher: undefined, keys: undefined, variables: undefined };
  return new FfiBackend({ errors, system, capabilities: CAPABILITIES, viewOf, ...own });
}

/** Everything that a caller sees of a failure; the result where there was none. */
function answerOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (!isSecureMemoryError(error)) throw error;
    const { code, kind, message, operation, backend, syscall, errno, details } = error;
    return { code, kind, message, operation, backend, syscall, errno, details };
  }
}

/** EPERM, EAGAIN, ENOMEM, EACCES, EINVAL, ENFILE, EMFILE, ENOSYS, and one that nobody knows. */
const ERRNOS = [1, 11, 12, 13, 22, 23, 24, 38, 99];
const LIMITS = [0, 8191, 65_536, -1, -2];
const IN_USE = [0, 65_536, 'unknown'] as const;
const KINDS = [
  ['locked', 0, ['mmap', 'mprotect', 'madvise', 'madvise', 'mlock']],
  ['hidden', 1, ['memfd_secret', 'ftruncate', 'mmap', 'madvise', 'mmap', 'mremap']],
] as const;

/** Both backends, told the same. `fail` lets the n-th system call of either fail. */
function pair(binding: Required<Binding>, kind: number) {
  const fed: Fed = { limit: -1, inUse: 0 };
  const calls = new FakeLinux(() => fed.limit);
  const backends = [overFfi(calls, kind, fed), overAddon(binding, kind, fed)] as const;
  const fail = (nth: number, errno: number) => {
    calls.setFault(nth, errno);
    binding.setFault(nth, errno);
  };
  const both = (run: (backend: MemoryBackend) => unknown) =>
    backends.map((backend) => answerOf(() => run(backend)));
  return { fed, fail, both };
}

describe('two backends, one answer', () => {
  it.for(KINDS)(
    'X2 map() of %s pages whose n-th call fails throws the same error over an FFI and by the addon',
    ([, kind, order], ctx) => {
      if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
      if (built.binding.open(kind) < 0)
        return ctx.skip('not proven: this kernel gives no memfd_secret pages');
      const { fed, fail, both } = pair(built.binding, kind);
      const seen: string[] = [];
      for (let nth = 1; nth <= order.length; nth += 1) {
        for (const errno of ERRNOS) {
          for (fed.limit of LIMITS) {
            for (fed.inUse of IN_USE) {
              fail(nth, errno);
              const [ffi, addon] = both((backend) => backend.map(4096));
              expect(addon, `call ${nth}, error ${errno}, ${JSON.stringify(fed)}`).toEqual(ffi);
              const { syscall } = addon as { syscall: string };
              seen[nth - 1] ??= syscall;
            }
          }
        }
      }
      fail(0, 0);
      expect(seen).toEqual(order);
    },
  );

  it('A7 raiseLockLimit() is refused in the same words', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { fed, fail, both } = pair(built.binding, 0);
    const answers: unknown[] = [];
    for (fed.limit of LIMITS) {
      for (const wanted of [0, 4096, 65_536, 2 ** 20, 2 ** 20 + 1]) {
        // Its second call is the one that sets; the limit of this process stays what it is.
        fail(2, 1);
        const [ffi, addon] = both((backend) => backend.raiseLockLimit(wanted));
        expect(addon, `${wanted} under ${fed.limit}`).toEqual(ffi);
        answers.push(addon);
      }
    }
    fail(0, 0);
    const codes = new Set(answers.map((one) => (one as { code?: string }).code));
    expect(codes).toEqual(new Set([undefined, 'ERR_SECMEM_CANNOT_RAISE']));
  });

  it('X4 lockLimit() is the same', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { fed, both } = pair(built.binding, 0);
    const limits: LockLimit[] = [];
    for (fed.limit of LIMITS) {
      const [ffi, addon] = both((backend) => backend.lockLimit());
      expect(addon).toEqual(ffi);
      limits.push(addon as LockLimit);
    }
    expect(new Set(limits.map(({ kind }) => kind))).toEqual(
      new Set(['bytes', 'unlimited', 'unknown']),
    );
  });

  it('A9 protect() and unmap() that are refused say the same and leave the same behind', (ctx) => {
    if (typeof built === 'string') return ctx.skip(`not proven: ${built}`);
    const { fail, both } = pair(built.binding, 0);
    const regions = both((backend) => backend.map(4096)) as [RegionId, RegionId];
    const id = (backend: MemoryBackend) => regions[backend instanceof FfiBackend ? 0 : 1];
    for (const protection of ['no-access', 'read-only', 'read-write'] as const) {
      const same = (nth: number, run: (backend: MemoryBackend) => unknown) => {
        fail(nth, 12);
        const [ffi, addon] = both(run);
        expect(addon).toEqual(ffi);
        return addon as { syscall: string };
      };
      same(0, (backend) => backend.protect(id(backend), protection));
      expect(same(1, (backend) => backend.protect(id(backend), 'read-only')).syscall).toBe(
        'mprotect',
      );
      const closed = protection !== 'read-write';
      const refused = same(1, (backend) => backend.unmap(id(backend)));
      expect(refused.syscall).toBe(closed ? 'mprotect' : 'munmap');
      if (closed) {
        // Open, so that it can be wiped; then the unmapping.
        expect(same(2, (backend) => backend.unmap(id(backend))).syscall).toBe('munmap');
        // As open as it was before: a write has to open it again.
        const bytes = new Uint8Array(new ArrayBuffer(1));
        const write = same(1, (backend) => backend.write(id(backend), 0, bytes));
        expect(write.syscall).toBe('mprotect');
      }
    }
    fail(0, 0);
    for (const answer of both((backend) => backend.unmap(id(backend)))) {
      expect(answer).toBeUndefined();
    }
  });
});
