import type { EnvironmentTaken } from '../contract/index.js';

/**
 * The environment of a simulated process: the values that stand in it under each name, in the order in which they were given.
 * It has nothing to do with `process.env`.
 */
export class FakeEnvironment {
  readonly #values = new Map<string, Uint8Array[]>();

  /** Sets a variable; several values stand for a name that is there more than once. */
  set(name: string, ...values: readonly (string | Uint8Array)[]): void {
    this.#values.set(
      name,
      values.map((value) => Uint8Array.from(Buffer.from(value as string))),
    );
  }

  /** The value that counts, which is the first. */
  first(name: string): Uint8Array | undefined {
    return this.#values.get(name)?.[0];
  }

  /** Zeroes every value of a name and unsets it. */
  erase(name: string): EnvironmentTaken {
    const values = this.#values.get(name) ?? [];
    for (const value of values) value.fill(0);
    this.#values.delete(name);
    return { places: values.length, startBlock: 'searched' };
  }

  /** Every value that still stands somewhere. */
  *all(): Generator<Uint8Array> {
    for (const values of this.#values.values()) yield* values;
  }
}
