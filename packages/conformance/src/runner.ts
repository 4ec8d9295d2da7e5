/** What the suite needs of a test runner. */
export interface Runner {
  /** Groups tests. */
  describe(name: string, body: () => void): void;
  /** `body` gets a function that marks the test as not proven on this machine, and may return after calling it. */
  it(name: string, body: (notProven: (reason: string) => void) => Promise<void>): void;
  /** Runs once the tests of a group are done. */
  afterAll(body: () => Promise<void>): void;
}

/** The parts of vitest that are used; it is handed over, so that this package depends on no runner. */
export interface Vitest {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (
    name: string,
    body: (context: { skip: (note?: string) => void }) => Promise<void>,
  ) => unknown;
  readonly afterAll: (body: () => Promise<void>) => unknown;
}

/** `vitestRunner({ describe, it, afterAll })`, with the three functions of vitest. */
export function vitestRunner({ describe, it, afterAll }: Vitest): Runner {
  return {
    describe: (name, body) => void describe(name, body),
    it: (name, body) =>
      void it(name, (context) => body((reason) => context.skip(`not proven: ${reason}`))),
    afterAll: (body) => void afterAll(body),
  };
}

/** The parts of node:test that are used. */
export interface NodeTest {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (
    name: string,
    body: (context: { skip: (note?: string) => void }) => Promise<void>,
  ) => unknown;
  readonly after: (body: () => Promise<void>) => unknown;
}

/** `nodeTestRunner({ describe, it, after })`, with the three functions of node:test. */
export function nodeTestRunner({ describe, it, after }: NodeTest): Runner {
  return vitestRunner({ describe, it, afterAll: after });
}
