import { loadCases, selectNamed } from '../../cases.mjs';
import { measure } from '../../measure.mjs';
import { withoutPlaces } from '../child.mjs';

/** The cases of each section; whatever their targets are compared with is measured in the same rounds. */
export const caseSections = {
  allocate: ['allocate-dispose-32', 'leak-detection-off', 'leak-detection-all', 'map-unmap'],
  access: [
    'read-32',
    'read-32-read-only',
    'read-32-no-access',
    'write-32',
    'write-32-read-only',
    'write-32-no-access',
    'view-open-close',
    'protect-pair',
  ],
  seal: ['seal-32', 'open-32', 'seal-open', 'cold-open', 'cold-use', 'hot-use'],
  batch: ['allocate-1000', 'allocate-all-1000'],
  use: ['hmac-32', 'equals-32', 'storm-64k', 'storm-unlimited'],
  keeper: [
    'keeper-call',
    'fork-advanced',
    'keeper-call-1000',
    'fork-advanced-1000',
    'keeper-sign-50',
    'sign',
  ],
};

const roundsWanted = { full: 21, quick: 3 };
/** Fewer rounds than this say nothing, however slow the machine is. */
const roundsMin = 3;

/**
 * @param {readonly string[]} names
 * @param {{ quick: boolean, msMax: number, show: (step: string) => void }} options
 * @returns {Promise<import('../results.mjs').CasesData>}
 */
export async function measureCases(names, { quick, msMax, show }) {
  const rounds = quick ? roundsWanted.quick : roundsWanted.full;
  const { chosen, pairs } = selectNamed(await loadCases(), names);
  const endsAt = performance.now() + msMax;
  show(`opening ${pairs.length} pairs of case and subject`);
  const { measurements, unavailable } = await measure(pairs, {
    rounds,
    onRound: (round) => show(`round ${round + 1} of ${rounds}`),
    enough: (round) => round >= roundsMin && performance.now() > endsAt,
  });
  return {
    rows: measurements.map((row) => ({ ...row, nsPerOp: row.nsPerOp.map(threeDecimals) })),
    targets: chosen.flatMap(({ name, targets }) => targets.map((target) => ({ name, ...target }))),
    missing: unavailable.map((pair) => ({ ...pair, reason: withoutPlaces(pair.reason) })),
  };
}

/** @param {number} value */
function threeDecimals(value) {
  return Math.round(value * 1000) / 1000;
}
