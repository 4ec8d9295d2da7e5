import type { Random } from '../random.mjs';

/** Names of properties that mean something to whoever reads carelessly. */
const KEYS = [
  'toString',
  'valueOf',
  '__proto__',
  'constructor',
  'length',
  'then',
  'toJSON',
  '0',
  'name',
  'message',
  'code',
  'errno',
  'details',
  'cause',
  'operations',
  'operation',
  'backend',
  'syscall',
  'x',
];

const SCALARS = [
  '1e999',
  '-0',
  '0',
  '1',
  '4294967296',
  '9007199254740993',
  'true',
  'null',
  '""',
  '"x"',
  '"echo"',
  '"ERR_SECMEM_DISPOSED"',
  '"constructor"',
  '"\\u0000"',
  '"\\ud800"',
  '[]',
  '{}',
];

/** Nested deeper than the stack, as a rule: whoever walks it by a function that calls itself runs out of it. */
export function deepJson(random: Random): string {
  const levels = random.of([100, 5_000, 30_000]);
  return random.chance(0.5)
    ? '['.repeat(levels) + ']'.repeat(levels)
    : `${'{"cause":'.repeat(levels / 5)}{}${'}'.repeat(levels / 5)}`;
}

/** Text of JSON that an honest peer would never write, and that is well-formed nonetheless. */
export function oddJson(random: Random, depth = 0): string {
  if (depth > 4 || random.chance(0.4)) return random.of(SCALARS);
  if (random.chance(0.05)) return deepJson(random);
  if (random.chance(0.05)) return JSON.stringify('n'.repeat(random.of([255, 256, 257, 5_000])));
  const items = Array.from({ length: random.below(4) }, () => oddJson(random, depth + 1));
  if (random.chance(0.4)) return `[${items.join(',')}]`;
  return `{${items.map((item) => `${JSON.stringify(random.of(KEYS))}:${item}`).join(',')}}`;
}
