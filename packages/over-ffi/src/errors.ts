import {
  type ErrorCode,
  type ErrorDetails,
  isSecureMemoryError,
  SecureMemoryError,
} from '@securemem/core/contract';

/** Makes the errors of one backend, which all carry its name. */
export class BackendErrors {
  readonly backend: string;

  constructor(backend: string) {
    this.backend = backend;
  }

  /** One that came from a system call. */
  system(
    code: ErrorCode,
    operation: string,
    syscall: string,
    errno: number,
    message: string,
    details: ErrorDetails = {},
  ): SecureMemoryError {
    // 0: no call failed, or none was made, so there is none to name.
    if (errno === 0) return this.own(code, operation, message, details);
    const text = `${message} (${syscall}, error ${errno})`;
    const { backend } = this;
    return new SecureMemoryError(code, text, { operation, backend, syscall, errno, details });
  }

  /** One that no system call caused. */
  own(
    code: ErrorCode,
    operation: string,
    message: string,
    details: ErrorDetails = {},
  ): SecureMemoryError {
    const { backend } = this;
    return new SecureMemoryError(code, message, { operation, backend, details });
  }

  /** Why no backend can be opened here, with the limit and the remedy of what was refused. */
  unavailable(reason: string, cause?: unknown): SecureMemoryError {
    return new SecureMemoryError('ERR_SECMEM_BACKEND_UNAVAILABLE', reason, {
      operation: 'open',
      backend: this.backend,
      ...(cause === undefined ? {} : { cause }),
      ...(isSecureMemoryError(cause) ? { details: cause.details } : {}),
    });
  }
}
