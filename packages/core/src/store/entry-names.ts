import { SET_LENGTH_MAX } from '../lifetime/request.js';
import { integer } from '../options.js';

/** The name of an entry; `TypeError` for what is none. */
export function checkName(name: string): string {
  if (typeof name !== 'string') throw new TypeError('the name of a secret must be a string');
  return name;
}

/** The names of several, as they are now. */
export function checkNames<Names extends readonly string[]>(names: Names): Names {
  if (!Array.isArray(names)) throw new TypeError('names must be an array of strings');
  integer('the number of names', names.length, 1, SET_LENGTH_MAX);
  for (const name of names) checkName(name);
  return [...names] as unknown as Names;
}
