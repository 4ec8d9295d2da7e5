import { execFileSync } from 'node:child_process';

/** @param {string} type @param {string} place */
export function mount(type, place) {
  execFileSync('mount', ['-t', type, type, place]);
}
