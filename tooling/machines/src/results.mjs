import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keepJson } from '@securemem/launch/kept-json';

/** What was seen last, by scenario and kernel. */
const FILE = fileURLToPath(new URL('../results.json', import.meta.url));

/** @typedef {{ holds: boolean, died?: boolean, line: string, facts: Readonly<Record<string, any>>, seconds: number, release: string, date: string }} Result */
/** @typedef {Readonly<Record<string, Readonly<Record<string, Result>>>>} Results */

/** @returns {Results} */
export function readResults() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
}

/** @param {Results} results */
export function writeResults(results) {
  keepJson(FILE, results);
}
