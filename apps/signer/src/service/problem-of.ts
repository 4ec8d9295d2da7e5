import { isSecureMemoryError, type SecureMemoryError } from '@securemem/core';
import { type VaultErrorCode, vaultErrorCode } from '../signing/vault.js';
import { StorageError, type StorageErrorCode } from '../storage/storage-error.js';
import { frameworkProblem } from './framework-problem.js';
import { Problem } from './problem.js';

/**
 * Any error as a Problem. `retryAfterSeconds` is the estimate of whoever knows the queue. What is not known is a 500
 * without its message: that could hold anything.
 */
export function problemOf(error: unknown, retryAfterSeconds: number): Problem {
  if (error instanceof Problem) return error;
  if (isSecureMemoryError(error)) return memoryProblem(error, retryAfterSeconds);
  const vaultCode = vaultErrorCode(error);
  if (vaultCode !== undefined) return vaultProblem(vaultCode, (error as Error).message);
  if (error instanceof StorageError) return storageProblem(error);
  return frameworkProblem(error) ?? new Problem(500, 'internal', 'the service failed');
}

function memoryProblem(error: SecureMemoryError, retryAfterSeconds: number): Problem {
  const { code } = error;
  const later = { retryAfterSeconds };
  if (code === 'ERR_SECMEM_QUEUE_FULL') {
    const detail = 'more requests wait for locked memory than may wait';
    return new Problem(429, 'too-many-waiting', detail, later);
  }
  if (code === 'ERR_SECMEM_TOO_LARGE') {
    const detail = 'the lock limit is too low for even one request';
    return new Problem(503, 'lock-limit-too-low', detail, later);
  }
  if (error.kind === 'capacity' || code === 'ERR_SECMEM_DENIED') {
    return new Problem(503, 'no-locked-memory', `no locked memory in time (${code})`, later);
  }
  if (code === 'ERR_SECMEM_UNSEAL_FAILED') {
    const detail = 'the stored key does not open: restore it from a backup';
    return new Problem(500, 'key-damaged', detail);
  }
  if (code === 'ERR_SECMEM_CLOSED') {
    return new Problem(503, 'sealed', 'the service was sealed meanwhile');
  }
  if (code === 'ERR_SECMEM_OUTCOME_UNKNOWN') {
    const detail = 'the process that signs died meanwhile: it is unknown whether it did the work';
    return new Problem(503, 'outcome-unknown', detail);
  }
  if (error.kind === 'crash') {
    const detail = `the process that signs is gone (${because(error)})`;
    return new Problem(503, 'keeper-gone', detail, later);
  }
  return new Problem(500, 'memory', `secure memory failed (${code})`);
}

/** The code, and what led to it where one of ours says so: its messages hold no content. */
function because(error: SecureMemoryError): string {
  const { code, cause } = error;
  return isSecureMemoryError(cause) ? `${code}: ${cause.message}` : code;
}

function vaultProblem(code: VaultErrorCode, message: string): Problem {
  if (code === 'VAULT_SEALED') return new Problem(503, 'sealed', message);
  if (code === 'VAULT_WRONG_MASTER_KEY') return new Problem(403, 'wrong-master-key', message);
  if (code === 'VAULT_UNSAFE_FILE') return new Problem(503, 'unsafe-file', message);
  return new Problem(422, 'bad-key', message);
}

const STORAGE: Readonly<Record<StorageErrorCode, readonly [status: number, slug: string]>> = {
  STORAGE_LOCKED: [503, 'storage-locked'],
  STORAGE_FULL: [507, 'storage-full'],
  STORAGE_DUPLICATE: [409, 'key-exists'],
  STORAGE_CORRUPT: [500, 'storage-corrupt'],
  STORAGE_UNAVAILABLE: [503, 'storage-failed'],
  STORAGE_NEWER: [503, 'storage-failed'],
  STORAGE_FAILED: [503, 'storage-failed'],
  STORAGE_LOST: [503, 'storage-failed'],
  STORAGE_ROTATED: [503, 'master-key-rotated'],
};

function storageProblem({ code, message }: StorageError): Problem {
  const [status, slug] = STORAGE[code];
  return new Problem(
    status,
    slug,
    message,
    code === 'STORAGE_LOCKED' ? { retryAfterSeconds: 1 } : {},
  );
}
