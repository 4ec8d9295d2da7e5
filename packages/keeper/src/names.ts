/** Characters of a name of an operation or of a function of the host. They cross once, so that a call needs no text. */
export const NAME_LENGTH_MAX = 256;

/** What both ends hold a name to: some text, and not too much of it. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX;
}

/** Throws `RangeError` for what cannot cross as a name. */
export function requireName(where: string, name: string): void {
  if (isName(name)) return;
  throw new RangeError(`${where}: a name must have 1 to ${NAME_LENGTH_MAX} characters`);
}

/** Whether a value that came over the channel is a list of different names, no longer than `max`. */
export function isNames(value: unknown, max: number): value is readonly string[] {
  if (!Array.isArray(value) || value.length > max || !value.every(isName)) return false;
  return new Set(value).size === value.length;
}
