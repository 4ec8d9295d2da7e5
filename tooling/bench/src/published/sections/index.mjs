import { caseSections, measureCases } from './cases.mjs';
import { measureDensity } from './density.mjs';
import { measureLatency } from './latency.mjs';
import { measureMillion } from './million.mjs';
import { measureScale } from './scale.mjs';
import { measureStorm } from './storm.mjs';

/**
 * @typedef {{ quick: boolean, msMax: number, show: (step: string) => void }} SectionOptions
 * @typedef {object} Section
 * @property {string} name
 * @property {number} msMax when to begin nothing more of it, so that all sections end within a quarter of an hour
 * @property {(options: SectionOptions) => Promise<object>} measure
 */

/** In the order of the page. @type {readonly Section[]} */
export const sections = [
  { name: 'scale', msMax: 260_000, measure: measureScale },
  { name: 'density', msMax: 30_000, measure: measureDensity },
  caseSection('access', 90_000),
  { name: 'latency', msMax: 80_000, measure: measureLatency },
  caseSection('allocate', 45_000),
  caseSection('seal', 45_000),
  caseSection('batch', 30_000),
  caseSection('use', 30_000),
  caseSection('keeper', 45_000),
  { name: 'million', msMax: 130_000, measure: measureMillion },
  { name: 'storm', msMax: 100_000, measure: measureStorm },
];

/** @param {keyof typeof caseSections} name @param {number} msMax @returns {Section} */
function caseSection(name, msMax) {
  return { name, msMax, measure: (options) => measureCases(caseSections[name], options) };
}
