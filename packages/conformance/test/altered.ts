import type { MemoryBackend } from '@securemem/core/contract';

const METHODS = [
  'lockLimit',
  'raiseLockLimit',
  'lockedByteLength',
  'map',
  'protect',
  'wipe',
  'read',
  'write',
  'openView',
  'inspect',
  'unmap',
  'seal',
  'unseal',
  'sign',
  'signLater',
  'publicKey',
  'agree',
  'openKey',
  'environmentByteLength',
  'takeEnvironment',
  Symbol.dispose,
] as const;

/** The same backend with some members replaced. */
export function altered(backend: MemoryBackend, changes: Partial<MemoryBackend>): MemoryBackend {
  const { name, contractVersion, capabilities, pageByteLength } = backend;
  const copy: Record<string | symbol, unknown> = {
    name,
    contractVersion,
    capabilities,
    pageByteLength,
  };
  for (const method of METHODS) copy[method] = (backend[method] as () => unknown).bind(backend);
  return Object.assign(copy, changes) as unknown as MemoryBackend;
}
