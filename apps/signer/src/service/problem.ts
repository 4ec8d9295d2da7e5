/** One thing that is wrong with a request. Fields of requests are public; their values are not repeated. */
export interface FieldError {
  /** Where: a name, or a path such as `accessList/0/address`; empty for the whole. */
  readonly field: string;
  /** What it should have been. */
  readonly rule: string;
}

export interface ProblemDetails {
  readonly retryAfterSeconds?: number;
  readonly errors?: readonly FieldError[];
}

/** An answer that is not a success, as RFC 9457 has it. Nothing in it depends on a secret. */
export class Problem extends Error {
  readonly status: number;
  /** The last part of the type, which programs may rely on. */
  readonly slug: string;
  readonly retryAfterSeconds: number | undefined;
  readonly errors: readonly FieldError[];

  constructor(status: number, slug: string, detail: string, more: ProblemDetails = {}) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.slug = slug;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.errors = more.errors ?? [];
  }

  get type(): string {
    return `urn:securemem:signer:${this.slug}`;
  }

  /** The body, to be sent as `application/problem+json`. */
  get body(): Record<string, unknown> {
    return {
      type: this.type,
      title: this.slug.replaceAll('-', ' '),
      status: this.status,
      detail: this.message,
      ...(this.errors.length > 0 && { errors: this.errors }),
    };
  }
}

export function closing(): Problem {
  return new Problem(503, 'closing', 'the service is shutting down');
}
