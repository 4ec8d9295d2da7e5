import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import {
  type BackendCapabilities,
  type BackendFactory,
  type ForkBehaviour,
  isSecureMemoryError,
  type MemoryBackend,
  mayHibernate,
  ownOptions,
  type ProbeResult,
  type Protection,
} from '@securemem/core/contract';
import { type Binding, loadBinding } from './binding.js';
import { BACKEND_NAME, errors, failure } from './failure.js';
import { referencesHere } from './key-references.js';
import { FACTS, FORK_BEHAVIOURS, NapiBackend, PROTECTIONS } from './napi-backend.js';
import { keyAlgorithms, laterAlgorithms } from './napi-keys.js';
import { openBuffer, takeBack } from './napi-view.js';
import { lockLimit } from './native-limits.js';
import { Status } from './status.js';

/** What `napiBackend()` takes. */
export interface NapiBackendOptions {
  /**
   * Whether regions are memfd_secret pages, which not even root reads through `/proc/<pid>/mem`. `prefer` takes them where
   * the kernel gives them (Linux 5.14 and later, unless it is switched off) and the machine is not set up to hibernate, which
   * they forbid to the whole machine while they are mapped. `require` opens with nothing else, `off` uses mlock. They cost about 35 microseconds per page when a region is mapped, and nothing afterwards. Default: `prefer`.
   */
  readonly kernelHidden?: 'prefer' | 'require' | 'off';

  /**
   * `none` gives out no views: bytes go in and out by copies. For programs that rather pay for copies than have a pointer
   * into locked memory reachable from JavaScript. Default: `revocable`, where the runtime allows it.
   */
  readonly views?: 'revocable' | 'none';
}

/** What the options may be; the first of each is the default. */
const CHOICES = [
  ['kernelHidden', ['prefer', 'require', 'off']],
  ['views', ['revocable', 'none']],
] as const;

/** In the order of `PageKind` in native/pages.h. */
const ANONYMOUS = 0;
const HIDDEN = 1;

interface Opened {
  readonly binding: Binding;
  readonly owner: number;
  readonly capabilities: BackendCapabilities;
}

function checkOptions(options: NapiBackendOptions | undefined): NapiBackendOptions {
  const own = ownOptions(options, ['kernelHidden', 'views'], 'the options of napiBackend()');
  for (const [name, choices] of CHOICES) {
    const value = own[name];
    if (value !== undefined && !(choices as readonly string[]).includes(value)) {
      throw new TypeError(`${name} must be one of ${choices.join(', ')}`);
    }
  }
  return own;
}

function firstLineOf(cause: unknown): string {
  return String((cause as Error)?.message ?? cause).split('\n', 1)[0] as string;
}

function load(): Binding {
  try {
    return loadBinding();
  } catch (cause) {
    const denied = (cause as NodeJS.ErrnoException)?.code === 'ERR_DLOPEN_DISABLED';
    throw errors.unavailable(
      denied
        ? "Node's permission model forbids native addons: start it with --allow-addons"
        : `there is no binary for ${process.platform}-${process.arch}, or it cannot be loaded (${firstLineOf(cause)}); where the program is bundled, leave @securemem/napi out of the bundle`,
      cause,
    );
  }
}

/** Whether a buffer over a region can be had and taken back; Electron, for one, has none. */
function viewsWork(binding: Binding, owner: number, region: number): boolean {
  const buffer = openBuffer(binding, owner, region, 0, binding.pageByteLength);
  if (typeof buffer !== 'object') return false;
  const [number, serial] = binding.lastView as unknown as [number, number];
  return takeBack(binding, buffer, number, serial) === 'revoked';
}

/**
 * What regions of this kind have here, from making one and asking the system about it. Where the lock limit leaves no room
 * for one, the calls that need no lock are all that is known; `map` delivers the rest or throws.
 */
function observe(binding: Binding, owner: number, hidden: boolean, views: boolean) {
  const numbers = new Float64Array(3);
  binding.abilities(owner, numbers);
  const [strongest, dumpExcluded, fork] = numbers as unknown as [number, number, number];
  const keys = keyAlgorithms(binding);
  const observed = {
    locking: 'locked' as const,
    lockEvidence: 'counted' as NonNullable<BackendCapabilities['lockEvidence']>,
    guardPages: true,
    protection: PROTECTIONS[strongest] as Exclude<Protection, 'read-write'>,
    dumpExclusion: dumpExcluded === 1,
    forkBehaviour: FORK_BEHAVIOURS[fork] as ForkBehaviour,
    kernelHidden: hidden,
    views: (views ? 'revocable' : 'none') as BackendCapabilities['views'],
    threadExit: 'wiped' as const,
    cipher: 'in-place' as const,
    keys,
    keysLater: laterAlgorithms(keys),
    keyReferences: referencesHere(keys),
    environment: environmentHere(),
  };
  const region = binding.map(owner, binding.pageByteLength);
  if (region < 0) {
    const error = failure(binding, -region, 'open');
    // Capacity may be back when it is needed; any other refusal means that this kind of region is not to be had here.
    if (isSecureMemoryError(error) && error.kind === 'capacity') return observed;
    throw error;
  }
  try {
    if (views && !viewsWork(binding, owner, region)) observed.views = 'none';
    if (hidden && binding.kernelCannotRead(owner, region) === 0) {
      throw errors.unavailable('the kernel reads pages that it should have no mapping of');
    }
    closeTrial(binding, owner, region, strongest);
    const facts = new Float64Array(FACTS);
    binding.inspect(owner, Float64Array.of(region), facts);
    if (facts[0] !== 1) return observed;
    if ((facts[1] as number) < binding.pageByteLength || facts[3] !== 1) {
      // A sandbox that answers mlock with success and does nothing, for example.
      const reason = 'the kernel reports success for a guarded, locked page and does not show one';
      throw errors.unavailable(reason);
    }
    // Hidden pages stay where they are, whatever the kernel counts.
    if (facts[6] !== 1) observed.lockEvidence = 'resident';
    // Advice that reports success and does nothing, as under user-mode emulation, is no capability either.
    observed.dumpExclusion &&= facts[4] === 1;
    observed.forkBehaviour = FORK_BEHAVIOURS[facts[5] as number] as ForkBehaviour;
    return observed;
  } finally {
    binding.unmap(owner, region);
  }
}

/** Tries every protection down to the strongest one that keeps the lock. */
function closeTrial(binding: Binding, owner: number, region: number, strongest: number): void {
  for (let level = PROTECTIONS.indexOf('read-only'); level >= strongest; level -= 1) {
    const status = binding.protect(owner, region, level);
    if (status !== Status.ok) throw failure(binding, status, 'open');
  }
}

function openKind(binding: Binding, kind: number, views: boolean): Opened {
  const owner = binding.open(kind);
  if (owner < 0) throw failure(binding, -owner, 'open');
  try {
    const capabilities = Object.freeze(observe(binding, owner, kind === HIDDEN, views));
    return { binding, owner, capabilities };
  } catch (error) {
    binding.close(owner);
    throw error;
  }
}

function openWished(binding: Binding, { kernelHidden, views }: NapiBackendOptions): Opened {
  const wish = kernelHidden ?? 'prefer';
  const withViews = views !== 'none';
  if (wish === 'require' || (wish === 'prefer' && !mayHibernate(kernelText))) {
    try {
      return openKind(binding, HIDDEN, withViews);
    } catch (cause) {
      // What may pass is no reason to do without for the rest of the process.
      if (isSecureMemoryError(cause) && cause.kind === 'capacity') throw cause;
      if (wish === 'require') {
        const reason = 'this kernel gives no memfd_secret pages (Linux 5.14 and later)';
        throw errors.unavailable(`${reason}: ${(cause as Error).message}`, cause);
      }
    }
  }
  return openKind(binding, ANONYMOUS, withViews);
}

function openBest(options: NapiBackendOptions): Opened {
  const binding = load();
  try {
    return openWished(binding, options);
  } catch (cause) {
    if (isSecureMemoryError(cause, 'ERR_SECMEM_BACKEND_UNAVAILABLE')) throw cause;
    const reason = `secure memory cannot be made here: ${(cause as Error).message}`;
    throw errors.unavailable(reason, cause);
  }
}

function open(options?: NapiBackendOptions): MemoryBackend {
  const { binding, owner, capabilities } = openBest(checkOptions(options));
  return new NapiBackend(binding, owner, capabilities);
}

/**
 * A lock limit below one page counts as unavailable here, although the backend opens: nothing could be mapped until the
 * limit is raised, so another backend is the better choice for a program that has one.
 */
function probe(options?: NapiBackendOptions): ProbeResult {
  const checked = checkOptions(options);
  try {
    const { binding, owner } = openBest(checked);
    binding.close(owner);
    const limit = lockLimit(binding);
    if (limit.kind !== 'bytes' || limit.byteLength >= binding.pageByteLength) {
      return { available: true };
    }
    const reason = `this process may lock ${limit.byteLength} bytes, less than one page: raise RLIMIT_MEMLOCK (ulimit -l)`;
    return { available: false, reason };
  } catch (cause) {
    return { available: false, reason: (cause as Error).message, cause };
  }
}

/**
 * Locked, guarded memory by a native addon, hidden from the kernel itself where that is to be had. No compiler and no
 * install script: the binaries are in the package.
 *
 * The call opens the backend, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE` with the reason. It opens under a lock limit of 0
 * as well, since the limit may be raised later (`raiseLockLimit`); `map` throws `ERR_SECMEM_LOCK_LIMIT` until then.
 */
export const napiBackend: BackendFactory<NapiBackendOptions> = Object.assign(open, {
  backendName: BACKEND_NAME,
  probe,
});

/** Bun has made strings of every variable before any program begins; what a worker thread has is a copy, or not its own. */
function environmentHere(): BackendCapabilities['environment'] {
  const ours = isMainThread && process.versions['bun'] === undefined;
  return ours && process.platform !== 'win32' ? 'erasable' : 'none';
}

/** What a file of the kernel says; undefined where there is none or it may not be read. */
function kernelText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
