import { NAME_LENGTH_MAX, NAMES_MAX } from './frames.js';

/** Whether a greeting may list these as functions: texts of a bounded length, each once. */
export function areNames(value: unknown, countMin: number): boolean {
  return (
    Array.isArray(value) &&
    value.length >= countMin &&
    value.length <= NAMES_MAX &&
    new Set(value).size === value.length &&
    value.every((name) => typeof name === 'string' && name !== '' && name.length <= NAME_LENGTH_MAX)
  );
}
