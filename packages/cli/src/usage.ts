/** The command line makes no sense. The program prints the message and ends with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A positive integer of an option, or a `UsageError` that names it. */
export function positiveInteger(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new UsageError(`--${name} must be a positive integer; it is ${text}`);
}
