import {
  type BackendCapabilities,
  type BackendFactory,
  isSecureMemoryError,
  type MemoryBackend,
  type ProbeResult,
} from '@securemem/core/contract';
import type { Address } from './address.js';
import { BackendErrors } from './errors.js';
import type { Binding, Ffi } from './ffi.js';
import { FfiBackend, type Foundation } from './ffi-backend.js';
import { openssl } from './openssl.js';
import { opensslKeys } from './openssl-keys.js';
import { type FfiBackendOptions, takeOptions } from './options.js';
import { openSystem } from './systems.js';
import { openVariables } from './variables.js';
import { revoke } from './view.js';

function loaded(binding: Binding, errors: BackendErrors): Ffi {
  try {
    return binding.load();
  } catch (cause) {
    throw errors.unavailable((cause as Error).message, (cause as Error).cause ?? cause);
  }
}

/** Whether an external ArrayBuffer can be had and taken back; Electron, for one, has none. */
function observeViews(ffi: Ffi): BackendCapabilities['views'] {
  const scratch = new Uint8Array(new ArrayBuffer(64));
  try {
    return revoke(ffi.view(ffi.address(scratch), 64)) === 'revoked' ? 'revocable' : 'none';
  } catch {
    return 'none';
  }
}

function lay(binding: Binding, options: FfiBackendOptions): Foundation {
  const errors = new BackendErrors(binding.backendName);
  const ffi = loaded(binding, errors);
  try {
    const { system, observed } = openSystem(ffi, errors, options.kernelHidden ?? 'off');
    const cipher = openssl(ffi, (address, byteLength) => system.zero(address, byteLength), errors);
    const keys = opensslKeys(ffi, errors);
    const variables = openVariables(ffi);
    const capabilities: BackendCapabilities = Object.freeze({
      ...observed,
      views: options.views === 'none' ? 'none' : observeViews(ffi),
      threadExit: 'kept', // No FFI has a hook that runs when a worker thread is terminated.
      cipher: cipher === undefined ? 'none' : 'in-place',
      keys: keys?.algorithms ?? Object.freeze([]),
      keysLater: Object.freeze([]), // An FFI calls on this thread only.
      keyReferences: 'none', // A foreign thread of OpenSSL's cannot run JavaScript.
      environment: variables === undefined ? 'none' : 'erasable',
    });
    const viewOf = (address: Address, byteLength: number) => ffi.view(address, byteLength);
    return { errors, system, capabilities, viewOf, cipher, keys, variables };
  } catch (cause) {
    if (isSecureMemoryError(cause, 'ERR_SECMEM_BACKEND_UNAVAILABLE')) throw cause;
    throw errors.unavailable(
      `secure memory cannot be made here: ${(cause as Error).message}`,
      cause,
    );
  }
}

/**
 * A lock limit below one page counts as unavailable here, although the backend opens: nothing could be mapped until the
 * limit is raised, so another backend is the better choice for a program that has one.
 */
function probe(binding: Binding, options: FfiBackendOptions): ProbeResult {
  try {
    const { system } = lay(binding, options);
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

/** The factory of a backend over one FFI, which is loaded when a backend is opened or probed. */
export function backendOver(binding: Binding): BackendFactory<FfiBackendOptions> {
  const taken = (options?: FfiBackendOptions) => takeOptions(options, binding.factoryName);
  const open = (options?: FfiBackendOptions): MemoryBackend =>
    new FfiBackend(lay(binding, taken(options)));
  return Object.assign(open, {
    backendName: binding.backendName,
    probe: (options?: FfiBackendOptions) => probe(binding, taken(options)),
  });
}
