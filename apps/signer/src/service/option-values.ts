import { parseArgs } from 'node:util';

/** A bad option: one clear line, exit code 2. */
export class ConfigError extends Error {}

export const TEXT = { type: 'string' } as const;
export const FLAG = { type: 'boolean' } as const;

/** As `parseArgs`; an option that is given twice is a contradiction, not a later opinion. Throws ConfigError. */
export function parseOptions<const T extends Readonly<Record<string, typeof TEXT | typeof FLAG>>>(
  args: readonly string[],
  options: T,
) {
  try {
    const { values, tokens } = parseArgs({ args: [...args], options, tokens: true });
    const names = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
    const twice = names.find((name, at) => names.indexOf(name) !== at);
    if (twice !== undefined) throw new ConfigError(`--${twice} is given twice`);
    return values;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError((error as Error).message.split(/[.\n]/)[0] ?? 'bad option');
  }
}

/** The value of an option that must be there. Throws ConfigError. */
export function required(name: string, value: string | undefined): string {
  if (value === undefined || value === '')
    throw new ConfigError(`--${name} is missing; see --help`);
  return value;
}

/** One of a few words. Throws ConfigError. */
export function choice<const T extends string>(
  name: string,
  value: string,
  values: readonly T[],
): T {
  if (values.includes(value as T)) return value as T;
  throw new ConfigError(`--${name} must be one of ${values.join(', ')}`);
}

/** A whole number of a range. Throws ConfigError. */
export function count(name: string, value: string, min: number, max: number): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
  throw new ConfigError(`--${name} must be a whole number from ${min} to ${max}`);
}
