/** An error that came back from a child as plain data. */
export interface DescribedError {
  readonly branded: boolean;
  readonly name?: string;
  readonly message: string;
  readonly code?: string;
  readonly kind?: string;
  readonly operation?: string;
  readonly backend?: string;
  readonly syscall?: string;
  readonly errno?: number;
  readonly details?: Readonly<Record<string, unknown>>;
  /** Every name and value that can be reached from the error, the stack aside. */
  readonly words: string;
}
