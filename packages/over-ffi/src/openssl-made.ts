/** OpenSSL failed where its input cannot be the reason: no memory, or no random bytes. */
export class OpensslFailed extends Error {
  readonly call: string;

  constructor(call: string) {
    super(`${call} failed`);
    this.call = call;
  }
}

/** What a call of OpenSSL made. Throws `OpensslFailed` where that is nothing. */
export function requireMade<T>(made: T | null, call: string): T {
  if (made === null) throw new OpensslFailed(call);
  return made;
}
