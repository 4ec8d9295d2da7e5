import { isSecureMemoryError, mayHibernate } from '@securemem/core/contract';
import { Darwin } from './darwin.js';
import { bindDarwinCalls } from './darwin-calls.js';
import type { BackendErrors } from './errors.js';
import type { Ffi } from './ffi.js';
import { Kernel32 } from './kernel32.js';
import { bindKernel32Calls } from './kernel32-calls.js';
import { Linux } from './linux.js';
import { AnonymousPages } from './linux-anonymous.js';
import { bindLinuxCalls } from './linux-calls.js';
import { textOf } from './linux-proc.js';
import { SecretPages } from './linux-secret.js';
import type { FfiBackendOptions } from './options.js';
import type { System, SystemCapabilities } from './system.js';

/** The tables are written with the type sizes of 64-bit systems. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64'];

type Wish = NonNullable<FfiBackendOptions['kernelHidden']>;

/** An operating system, and what regions have on it. */
export interface OpenedSystem {
  readonly system: System;
  readonly observed: SystemCapabilities;
}

/** The system that this process runs on. What throws has left nothing open. */
export function openSystem(ffi: Ffi, errors: BackendErrors, hidden: Wish): OpenedSystem {
  const { arch, platform } = process;
  if (!ARCHITECTURES.includes(arch)) {
    throw errors.unavailable(`the architecture ${arch} is not supported: 64-bit systems only`);
  }
  if (platform === 'linux') return openLinux(ffi, errors, hidden);
  if (hidden === 'require')
    throw errors.unavailable('only Linux has memory hidden from the kernel');
  if (platform === 'darwin') return opened(new Darwin(bindDarwinCalls(ffi), errors));
  if (platform === 'win32') return opened(new Kernel32(bindKernel32Calls(ffi), errors));
  throw errors.unavailable(`the platform ${platform} is not supported`);
}

function openLinux(ffi: Ffi, errors: BackendErrors, hidden: Wish): OpenedSystem {
  const calls = bindLinuxCalls(ffi);
  if (hidden === 'require' || (hidden === 'prefer' && !mayHibernate(textOf))) {
    try {
      return opened(new Linux(calls, errors, SecretPages));
    } catch (cause) {
      // What may pass is no reason to do without for the rest of the process.
      if (isSecureMemoryError(cause) && cause.kind === 'capacity') throw cause;
      if (hidden === 'require') {
        const reason = 'this kernel gives no memfd_secret pages (Linux 5.14 and later)';
        throw errors.unavailable(`${reason}: ${(cause as Error).message}`, cause);
      }
    }
  }
  return opened(new Linux(calls, errors, AnonymousPages));
}

function opened(system: System): OpenedSystem {
  try {
    return { system, observed: system.observe() };
  } catch (error) {
    system.close();
    throw error;
  }
}
