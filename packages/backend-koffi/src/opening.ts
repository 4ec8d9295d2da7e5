import {
  type BackendCapabilities,
  type BackendFactory,
  type MemoryBackend,
  ownOptions,
  type ProbeResult,
  SecureMemoryError,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import { bindDarwinCalls, Darwin } from './darwin.js';
import { type Koffi, loadKoffi } from './ffi.js';
import { Kernel32 } from './kernel32.js';
import { bindKernel32Calls } from './kernel32-calls.js';
import { type Foundation, KoffiBackend } from './koffi-backend.js';
import { Linux } from './linux.js';
import { bindLinuxCalls } from './linux-calls.js';
import { openssl } from './openssl.js';
import { BACKEND_NAME } from './refusal.js';
import type { System } from './system.js';
import { revoke } from './view.js';

/** What `koffiBackend()` takes. */
export interface KoffiBackendOptions {
  /**
   * `none` gives out no views: bytes go in and out by copies. For programs that rather pay for copies than have a pointer
   * into locked memory reachable from JavaScript. Default: `revocable`, where the runtime allows it.
   */
  readonly views?: 'revocable' | 'none';
}

/** The system calls are bound with the type sizes of 64-bit systems. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64'];

function checkOptions(options: KoffiBackendOptions | undefined): KoffiBackendOptions {
  const own = ownOptions(options, ['views'], 'the options of koffiBackend()');
  const { views } = own;
  if (views !== undefined && views !== 'revocable' && views !== 'none') {
    throw new TypeError("views must be 'revocable' or 'none'");
  }
  return own;
}

function unavailable(reason: string, cause?: unknown): SecureMemoryError {
  return new SecureMemoryError('ERR_SECMEM_BACKEND_UNAVAILABLE', reason, {
    operation: 'open',
    backend: BACKEND_NAME,
    ...(cause === undefined ? {} : { cause }),
  });
}

function firstLineOf(cause: unknown): string {
  return String((cause as Error)?.message ?? cause).split('\n', 1)[0] as string;
}

function loadFfi(): Koffi {
  try {
    return loadKoffi();
  } catch (cause) {
    const denied = (cause as NodeJS.ErrnoException)?.code === 'ERR_DLOPEN_DISABLED';
    throw unavailable(
      denied
        ? "Node's permission model forbids native addons: start it with --allow-addons"
        : `koffi cannot be loaded on ${process.platform}-${process.arch}: is its platform package installed? (${firstLineOf(cause)})`,
      cause,
    );
  }
}

function openSystem(koffi: Koffi): System {
  if (!ARCHITECTURES.includes(process.arch)) {
    throw unavailable(`the architecture ${process.arch} is not supported: 64-bit systems only`);
  }
  if (process.platform === 'linux') return new Linux(bindLinuxCalls(koffi));
  if (process.platform === 'darwin') return new Darwin(bindDarwinCalls(koffi));
  if (process.platform === 'win32') return new Kernel32(bindKernel32Calls(koffi));
  throw unavailable(`the platform ${process.platform} is not supported`);
}

/** Whether an external ArrayBuffer can be had and taken back; Electron, for one, has none. */
function observeViews(koffi: Koffi): BackendCapabilities['views'] {
  const scratch = koffi.alloc('uint8_t', 64);
  try {
    return revoke(koffi.view(scratch, 64)) === 'revoked' ? 'revocable' : 'none';
  } catch {
    return 'none';
  } finally {
    koffi.free(scratch);
  }
}

function lay(options: KoffiBackendOptions): Foundation {
  const koffi = loadFfi();
  let system: System | undefined;
  try {
    const opened = openSystem(koffi);
    system = opened;
    const cipher = openssl(koffi, (address, byteLength) => opened.zero(address, byteLength));
    const capabilities: BackendCapabilities = Object.freeze({
      ...opened.observe(),
      kernelHidden: false,
      views: options.views === 'none' ? 'none' : observeViews(koffi),
      threadExit: 'kept', // koffi has no hook that runs when a worker thread is terminated.
      cipher: cipher === undefined ? 'none' : 'in-place',
    });
    const viewOf = (address: Address, byteLength: number) => koffi.view(address, byteLength);
    return { system: opened, capabilities, viewOf, cipher };
  } catch (cause) {
    system?.close();
    const known = cause instanceof SecureMemoryError;
    if (known && cause.code === 'ERR_SECMEM_BACKEND_UNAVAILABLE') throw cause;
    throw unavailable(`secure memory cannot be made here: ${(cause as Error).message}`, cause);
  }
}

function open(options?: KoffiBackendOptions): MemoryBackend {
  return new KoffiBackend(lay(checkOptions(options)));
}

/**
 * A lock limit of 0 counts as unavailable here, although the backend opens: nothing could be mapped until the limit is
 * raised, so another backend is the better choice for a program that has one.
 */
function probe(options?: KoffiBackendOptions): ProbeResult {
  const checked = checkOptions(options);
  try {
    const { system } = lay(checked);
    try {
      const limit = system.lockLimit();
      if (limit.kind !== 'bytes' || limit.byteLength >= system.pageByteLength)
        return { available: true };
      const reason = `this process may lock ${limit.byteLength} bytes, less than one page: raise RLIMIT_MEMLOCK (ulimit -l)`;
      return { available: false, reason };
    } finally {
      system.close();
    }
  } catch (cause) {
    return { available: false, reason: (cause as Error).message, cause };
  }
}

/**
 * Locked, guarded memory by system calls through koffi: no compiler and no install script.
 *
 * The call opens the backend, or throws `ERR_SECMEM_BACKEND_UNAVAILABLE` with the reason. It opens under a lock limit of 0
 * as well, since the limit may be raised later (`raiseLockLimit`); `map` throws `ERR_SECMEM_LOCK_LIMIT` until then.
 */
export const koffiBackend: BackendFactory<KoffiBackendOptions> = Object.assign(open, {
  backendName: BACKEND_NAME,
  probe,
});
