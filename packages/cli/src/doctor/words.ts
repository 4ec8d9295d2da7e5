import type { ByteLimit } from './facts.js';

const UNITS = [
  [1024 ** 4, 'TiB'],
  [1024 ** 3, 'GiB'],
  [1024 ** 2, 'MiB'],
  [1024, 'KiB'],
] as const;

/** A number of bytes as people write it: exact below 1 KiB, else with at most one decimal. */
export function bytes(byteLength: number): string {
  for (const [unit, name] of UNITS) {
    if (byteLength >= unit) return `${Math.round((byteLength / unit) * 10) / 10} ${name}`;
  }
  return `${byteLength} bytes`;
}

export function limit(value: ByteLimit): string {
  return typeof value === 'number' ? bytes(value) : value;
}

/** From here on nobody reads the last digits. */
const MILLIONS = 10_000_000;

/** A count with its thousands apart, from ten million on in millions. */
export function count(value: number): string {
  if (value >= MILLIONS) return `${Math.round(value / 1_000_000).toLocaleString('en-US')} million`;
  return value.toLocaleString('en-US');
}
