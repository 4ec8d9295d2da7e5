import type { ByteLimit, Facts } from './facts.js';

/**
 * How much this process may really lock: nothing binds with an infinite limit, or with CAP_IPC_LOCK outside user
 * namespaces; else the soft limit does. Where the system has no such files, what an open backend says.
 */
export function limitInForce({ lock, backends }: Facts): ByteLimit {
  const { soft, capability, userNamespace } = lock;
  if (soft === 'unlimited') return 'unlimited';
  if (capability === true && userNamespace === false) return 'unlimited';
  if (soft !== 'unknown') return soft;
  const locking = backends.find(({ capabilities }) => capabilities?.locking === 'locked');
  return locking?.lockLimit ?? 'unknown';
}
