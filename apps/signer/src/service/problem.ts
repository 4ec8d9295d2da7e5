import { isSecureMemoryError, type SecureMemoryError } from '@securemem/core';
import { type VaultErrorCode, vaultErrorCode } from '../signing/vault.js';
import { StorageError } from '../storage/storage-error.js';

/** An answer that is not a success, as RFC 9457 has it. Nothing in it depends on a secret. */
export class Problem extends Error {
  readonly status: number;
  /** The last part of the type, which programs may rely on. */
  readonly slug: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, slug: string, detail: string, retryAfterSeconds?: number) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.slug = slug;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** The body, to be sent as `application/problem+json`. */
  get body(): Record<string, unknown> {
    return {
      type: `urn:securemem:signer:${this.slug}`,
      title: this.slug.replaceAll('-', ' '),
      status: this.status,
      detail: this.message,
    };
  }
}

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
  if (code === 'ERR_SECMEM_QUEUE_FULL') {
    const detail = 'more requests wait for locked memory than may wait';
    return new Problem(429, 'too-many-waiting', detail, retryAfterSeconds);
  }
  if (code === 'ERR_SECMEM_TOO_LARGE') {
    const detail = 'the lock limit is too low for even one request';
    return new Problem(503, 'lock-limit-too-low', detail, retryAfterSeconds);
  }
  if (error.kind === 'capacity' || code === 'ERR_SECMEM_DENIED') {
    const detail = `no locked memory in time (${code})`;
    return new Problem(503, 'no-locked-memory', detail, retryAfterSeconds);
  }
  if (code === 'ERR_SECMEM_UNSEAL_FAILED') {
    return new Problem(
      500,
      'key-damaged',
      'the stored key does not open: restore it from a backup',
    );
  }
  if (code === 'ERR_SECMEM_CLOSED') return closing();
  if (code === 'ERR_SECMEM_OUTCOME_UNKNOWN') {
    const detail = 'the process that signs died meanwhile: it is unknown whether it signed';
    return new Problem(503, 'outcome-unknown', detail);
  }
  if (error.kind === 'crash') {
    return new Problem(
      503,
      'keeper-gone',
      `the process that signs is gone (${code})`,
      retryAfterSeconds,
    );
  }
  return new Problem(500, 'memory', `secure memory failed (${code})`);
}

function vaultProblem(code: VaultErrorCode, message: string): Problem {
  if (code === 'VAULT_SEALED') return new Problem(503, 'sealed', message);
  if (code === 'VAULT_WRONG_MASTER_KEY') return new Problem(403, 'wrong-master-key', message);
  return new Problem(422, 'bad-key', message);
}

function storageProblem({ code, message }: StorageError): Problem {
  if (code === 'STORAGE_LOCKED') return new Problem(503, 'storage-locked', message, 1);
  if (code === 'STORAGE_FULL') return new Problem(507, 'storage-full', message);
  if (code === 'STORAGE_DUPLICATE') return new Problem(409, 'key-exists', message);
  if (code === 'STORAGE_CORRUPT') return new Problem(500, 'storage-corrupt', message);
  return new Problem(503, 'storage-failed', message);
}

/** What the HTTP framework refuses before a handler runs: it says so by a status in the 400s. */
function frameworkProblem(error: unknown): Problem | undefined {
  const { statusCode, code, validation } = error as {
    statusCode?: number;
    code?: string;
    validation?: unknown;
  };
  if (validation !== undefined)
    return new Problem(400, 'malformed', 'the request does not fit its schema');
  // Nobody reads this answer: it is for the metrics, under the number that proxies use for it.
  if (code === 'ECONNRESET' || (error as Error).name === 'AbortError') {
    return new Problem(499, 'client-gone', 'the client went away');
  }
  if (statusCode === undefined || statusCode < 400 || statusCode > 499) return undefined;
  const slug = (code ?? 'refused')
    .replace(/^FST_(ERR_)?/, '')
    .toLowerCase()
    .replaceAll('_', '-');
  return new Problem(statusCode, slug, 'the request was refused');
}

export function closing(): Problem {
  return new Problem(503, 'closing', 'the service is shutting down');
}
