import { SecureMemoryError } from '@securemem/core/contract';
import { ERRNO } from './libc.mjs';
import { lockedByteLength, lockLimits, mappingsLeft } from './proc.mjs';

export const NAME = 'outsider';
/** A change of a mapping may need two more; with fewer left it is the number of mappings that is in the way. */
const MAPPINGS_NEEDED = 4;

/** @param {import('@securemem/core/contract').ErrorCode} code @param {string} message @param {object} more */
export function failure(code, message, more) {
  return new SecureMemoryError(code, message, { backend: NAME, ...more });
}

/** What a system call that failed means. @param {string} operation @param {string} syscall @param {number} errno @param {number} requestedByteLength */
export function refusal(operation, syscall, errno, requestedByteLength) {
  const known = { operation, syscall, errno };
  const { free, soft } = lockLimits();
  const inUseByteLength = lockedByteLength();
  const beyond = !free && inUseByteLength + requestedByteLength > soft;
  if (syscall === 'mlock' && beyond) {
    const remedy = 'release regions, or raise the limit with `ulimit -l`';
    return failure('ERR_SECMEM_LOCK_LIMIT', 'the lock limit is reached', {
      ...known,
      details: {
        limit: 'lock',
        requestedByteLength,
        inUseByteLength,
        limitByteLength: soft,
        remedy,
      },
    });
  }
  if (errno === ERRNO.EPERM) return failure('ERR_SECMEM_DENIED', `${syscall} is forbidden`, known);
  if (errno === ERRNO.ENOMEM && mappingsLeft() < MAPPINGS_NEEDED) {
    const remedy = 'raise vm.max_map_count';
    const details = { limit: 'mappings', requestedByteLength, remedy };
    return failure('ERR_SECMEM_MAP_LIMIT', 'no mapping is left', { ...known, details });
  }
  if (errno === ERRNO.ENOMEM && operation === 'map') {
    const details = { limit: 'memory', requestedByteLength, remedy: 'ask for less' };
    return failure('ERR_SECMEM_OUT_OF_MEMORY', 'there is no memory', { ...known, details });
  }
  return failure('ERR_SECMEM_PLATFORM', `${syscall} failed`, known);
}
