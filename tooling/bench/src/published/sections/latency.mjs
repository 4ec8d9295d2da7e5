import { fileURLToPath } from 'node:url';
import { operationNames } from '../../latency/operations.mjs';
import { runForJson, withoutPlaces } from '../child.mjs';

/**
 * One operation of one subject in one mode, one value for each round.
 * @typedef {object} Latency
 * @property {string} operation
 * @property {string} subject
 * @property {import('@securemem/core').AtRest} atRest
 * @property {number[]} p50Ns
 * @property {number[]} p99Ns
 * @property {number} together how many were timed as one at the most
 *
 * @typedef {{ subject: string, atRest: import('@securemem/core').AtRest }} Mode
 * @typedef {Mode & { bytesPerSecret: number }} Locked
 * @typedef {Mode & { operation: string, reason: string }} Missing
 * @typedef {{ samples: number, secrets: number, latencies: Latency[], locked: Locked[], missing: Missing[] }} LatencyData
 */

const processFile = fileURLToPath(new URL('../../latency/latency-process.mjs', import.meta.url));
const locking = ['securemem-koffi', 'securemem-napi', 'securemem-napi-mlock'];
const atRests = /** @type {const} */ (['accessible', 'read-only', 'no-access']);

/** Every backend in every mode that it has, in the order of the page. @type {readonly Mode[]} */
export const modes = [
  ...locking.flatMap((subject) => atRests.map((atRest) => ({ subject, atRest }))),
  { subject: 'securemem-nolock', atRest: 'accessible' },
  { subject: 'buffer', atRest: 'accessible' },
];

const secrets = 1000;
const wanted = { full: { rounds: 7, samples: 5000 }, quick: { rounds: 1, samples: 200 } };
/** Fewer rounds than this say nothing, however slow the machine is. */
const roundsMin = 3;
const childMsMax = 60_000;

/**
 * @param {{ quick: boolean, msMax: number, show: (step: string) => void }} options
 * @returns {Promise<LatencyData>}
 */
export async function measureLatency({ quick, msMax, show }) {
  const { rounds, samples } = quick ? wanted.quick : wanted.full;
  const endsAt = performance.now() + msMax;
  /** @type {LatencyData} */
  const data = { samples, secrets, latencies: [], locked: [], missing: [] };
  for (let round = 0; round < rounds; round += 1) {
    if (round >= roundsMin && performance.now() > endsAt) break;
    show(`round ${round + 1} of ${rounds}`);
    for (const mode of modes) {
      const task = JSON.stringify({ ...mode, samples, secrets });
      const told = await runForJson(
        `${mode.subject}, ${mode.atRest}`,
        ['--expose-gc', processFile, task],
        { msMax: childMsMax },
      );
      record(data, mode, told);
    }
  }
  return data;
}

/** @param {LatencyData} data @param {Mode} mode @param {import('../../latency/latency-process.mjs').Told} told */
function record({ latencies, locked, missing }, mode, told) {
  for (const operation of operationNames) {
    const measured = told.operations[operation];
    if (measured === undefined) {
      const reason = withoutPlaces(told.failed[operation] ?? 'not measured');
      if (!missing.some((each) => same(each, { ...mode, operation }))) {
        missing.push({ ...mode, operation, reason });
      }
      continue;
    }
    let row = latencies.find((each) => same(each, { ...mode, operation }));
    if (row === undefined) {
      row = { operation, ...mode, p50Ns: [], p99Ns: [], together: 1 };
      latencies.push(row);
    }
    row.p50Ns.push(oneDecimal(measured.p50));
    row.p99Ns.push(oneDecimal(measured.p99));
    row.together = Math.max(row.together, measured.together);
  }
  const bytesPerSecret = told.lockedByteLengthPerSecret;
  if (bytesPerSecret === undefined || locked.some((each) => sameMode(each, mode))) return;
  locked.push({ ...mode, bytesPerSecret });
}

/** @param {Mode & { operation: string }} one @param {Mode & { operation: string }} other */
function same(one, other) {
  return one.operation === other.operation && sameMode(one, other);
}

/** @param {Mode} one @param {Mode} other */
export function sameMode(one, other) {
  return one.subject === other.subject && one.atRest === other.atRest;
}

/** @param {number} ns */
function oneDecimal(ns) {
  return Math.round(ns * 10) / 10;
}
