/** What the program that is to run here needs. */
export interface Need {
  /** Secrets at the same time; undefined when nothing was said. */
  readonly secrets: number | undefined;
  /** Bytes of each. */
  readonly byteLength: number;
  /** It is enough when they fit sealed, in a store. */
  readonly sealed: boolean;
}
