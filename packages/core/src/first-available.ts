import type { BackendFactory, MemoryBackend } from './contract/backend.js';
import { SecureMemoryError } from './contract/errors.js';

/** Of an error of any realm; whatever else was thrown is its own words. */
const messageOf = (thrown: unknown) => String((thrown as Partial<Error> | null)?.message ?? thrown);

/**
 * Opens the first backend that can open here, with its default options. Throws `ERR_SECMEM_BACKEND_UNAVAILABLE` with the
 * reason of each when none can; nothing is open then.
 */
export function firstAvailable(factories: readonly BackendFactory<never>[]): MemoryBackend {
  const reasons: Record<string, string> = {};
  for (const factory of factories) {
    const probe = factory.probe();
    if (!probe.available) {
      reasons[factory.backendName] = probe.reason;
      continue;
    }
    try {
      return factory();
    } catch (error) {
      reasons[factory.backendName] = messageOf(error);
    }
  }
  const words = Object.entries(reasons).map(([name, reason]) => `${name}: ${reason}`);
  throw new SecureMemoryError(
    'ERR_SECMEM_BACKEND_UNAVAILABLE',
    `no backend can open here (${words.join('; ') || 'none was given'})`,
    { operation: 'firstAvailable', details: { reasons } },
  );
}
