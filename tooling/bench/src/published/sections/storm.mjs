import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { runForJson, withoutPlaces } from '../child.mjs';

/**
 * @typedef {{ placement: string, onCapacity: string }} Design
 * @typedef {object} StormRun one design under one limit on one backend, as often as there was time for
 * @property {string} backend
 * @property {string} placement
 * @property {string} onCapacity
 * @property {number} memlock
 * @property {StormFigures[]} rounds
 *
 * @typedef {object} StormFigures
 * @property {number} succeeded
 * @property {number} verified
 * @property {boolean} crashed
 * @property {boolean} confined
 * @property {number} admissionWaits
 * @property {number} peakLockedByteLength
 * @property {number} requestsPerSecond
 *
 * @typedef {{ requests: number, runs: StormRun[], failed: string[] }} StormData
 */

const programFile = join(root, 'apps/signer/dist/storm.js');
const requests = { full: 1000, quick: 100 };
const roundsWanted = { full: 3, quick: 1 };
/** How long one storm may take at the most, in milliseconds. */
const stormMsMax = 60_000;

export const memlocks = [65_536, 8_388_608];
export const designs = [
  { placement: 'page', onCapacity: 'throw' },
  { placement: 'pooled', onCapacity: 'throw' },
  { placement: 'pooled', onCapacity: 'wait' },
];

/**
 * Whole rounds of everything, one after another, so that a slow minute falls on all designs alike.
 * @param {{ quick: boolean, msMax: number, show: (step: string) => void }} options
 * @returns {Promise<StormData>}
 */
export async function measureStorm({ quick, msMax, show }) {
  const count = quick ? requests.quick : requests.full;
  const rounds = quick ? roundsWanted.quick : roundsWanted.full;
  const endsAt = performance.now() + msMax;
  /** @type {StormData} */
  const data = { requests: count, runs: everyRun(), failed: [] };
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && performance.now() > endsAt) break;
    for (const run of data.runs) {
      const args = [...stormArguments(run), '--requests', String(count)];
      show(`round ${round + 1} of ${rounds}: ${args.join(' ')}`);
      try {
        const report = await runForJson('storm', [programFile, ...args, '--json'], {
          msMax: stormMsMax,
        });
        run.rounds.push(figuresOf(report));
      } catch (error) {
        data.failed.push(withoutPlaces(error instanceof Error ? error.message : String(error)));
      }
    }
  }
  return data;
}

/** @returns {StormRun[]} */
function everyRun() {
  return memlocks.flatMap((memlock) =>
    ['koffi', 'napi'].flatMap((backend) =>
      designs.map((design) => ({ backend, ...design, memlock, rounds: [] })),
    ),
  );
}

/** @param {Pick<StormRun, 'backend' | 'placement' | 'onCapacity' | 'memlock'>} run */
export function stormArguments({ backend, placement, onCapacity, memlock }) {
  return [
    ...['--backend', backend, '--memlock', String(memlock)],
    ...['--placement', placement, '--on-capacity', onCapacity],
  ];
}

/** @param {StormFigures} report */
function figuresOf(report) {
  const { succeeded, verified, crashed, confined } = report;
  const { admissionWaits, peakLockedByteLength, requestsPerSecond } = report;
  return {
    ...{ succeeded, verified, crashed, confined },
    ...{ admissionWaits, peakLockedByteLength, requestsPerSecond },
  };
}
