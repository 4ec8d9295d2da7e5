/** The part of autocannon that is used here; the package has no types of its own. */
declare module 'autocannon' {
  interface Request {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    onResponse(
      status: number,
      body: string,
      context: object,
      headers: Readonly<Record<string, string>>,
    ): void;
  }
  interface Options {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration?: number;
    /** Requests in all, in place of a duration. */
    readonly amount?: number;
    readonly timeout: number;
    readonly requests: readonly Request[];
  }
  export default function autocannon(
    options: Options,
  ): Promise<{ readonly errors: number; readonly timeouts: number }>;
}
