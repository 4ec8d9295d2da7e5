import { existsSync, readFileSync } from 'node:fs';
import { keepJson } from '@securemem/launch/kept-json';

/**
 * What was measured, section by section: a section that is measured again replaces itself and nothing else, so each
 * says by itself when and where that was.
 *
 * @typedef {object} Provenance
 * @property {string} date
 * @property {import('./machine.mjs').Machine} machine
 * @property {number} loadBefore
 * @property {number} loadAfter
 * @property {boolean} quick small counts, to see that it works
 *
 * @typedef {{ name: string, subject: string, nsPerOp: number[] }} Row
 * @typedef {{ name: string, subject: string, reason: string }} Missing
 * @typedef {{ rows: Row[], targets: (import('../case.d.mts').Target & { name: string })[], missing: Missing[] }} CasesData
 * @typedef {Provenance & CasesData} CasesResult
 * @typedef {Provenance & import('./sections/latency.mjs').LatencyData} LatencyResult
 * @typedef {Provenance & import('./sections/million.mjs').MillionData} MillionResult
 * @typedef {Provenance & import('./sections/storm.mjs').StormData} StormResult
 * @typedef {Provenance & import('./sections/scale.mjs').ScaleData} ScaleResult
 * @typedef {Provenance & import('./sections/density.mjs').DensityData} DensityResult
 *
 * @typedef {object} Results
 * @property {LatencyResult} [latency]
 * @property {CasesResult} [allocate]
 * @property {CasesResult} [access]
 * @property {CasesResult} [seal]
 * @property {CasesResult} [batch]
 * @property {CasesResult} [use]
 * @property {CasesResult} [keeper]
 * @property {ScaleResult} [scale]
 * @property {DensityResult} [density]
 * @property {MillionResult} [million]
 * @property {StormResult} [storm]
 */

/** @param {string} file @returns {Results} */
export function readResults(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** @param {string} file @param {Results} results */
export function writeResults(file, results) {
  keepJson(file, results);
}
