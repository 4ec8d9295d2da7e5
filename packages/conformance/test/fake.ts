import type { BackendCapabilities, LockLimit, MemoryBackend } from '@securemem/core/contract';
import { createFakeKernel, type FakeKernel, fakeBackend } from '@securemem/core/testing';

/** Room for every requirement at once; those about limits set their own. */
const ROOMY: LockLimit = { kind: 'bytes', byteLength: 64 * 1024 * 1024 };

/** A simulated kernel and the way to open backends on it, sound or broken by `breakIt`. */
export function fakeSubject(
  capabilities: Partial<BackendCapabilities> = {},
  breakIt: (backend: MemoryBackend, kernel: FakeKernel) => MemoryBackend = (backend) => backend,
): { kernel: FakeKernel; open: () => MemoryBackend } {
  const kernel = createFakeKernel({ lockLimit: ROOMY, mappingsMax: 3000 });
  return { kernel, open: () => breakIt(fakeBackend({ kernel, capabilities }), kernel) };
}
