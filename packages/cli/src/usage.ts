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

/** What `parseArgs` threw, as a `UsageError`; of an option that there is not, with the one that was meant. */
export function optionError(error: unknown, known: readonly string[]): UsageError {
  const { code, message } = error as NodeJS.ErrnoException;
  const name = message.match(/'--([\w-]+)/)?.[1];
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || name === undefined)
    return new UsageError(message);
  const options = known.map((option) => `--${option}`);
  return new UsageError(`no option --${name}${didYouMean(`--${name}`, options)}`);
}

/** Words that differ by one slip of the finger more or less, the nearest first; nothing where all are far. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = known
    .map((name) => [distance(word, name), name] as const)
    .filter(([far, name]) => far <= Math.max(1, Math.floor(name.length / 3)))
    .sort(([left], [right]) => left - right);
  return near[0] === undefined ? '' : `; did you mean ${near[0][1]}?`;
}

/** How many letters have to be put in, left out or changed (Levenshtein). */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
