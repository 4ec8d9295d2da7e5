import { mixes, randomOf } from '@securemem/proof/length-mixes';
import { holders } from '../../density/holders.mjs';

/**
 * How much of the limit holds bytes of secrets: when it is full for the first time, and at the worst after any round of churn, the
 * median of the seeds. The same on every machine.
 *
 * @typedef {{ holder: string, mix: string, secrets: number, first: number, worst: number }} DensityRun
 * @typedef {{ limit: number, seeds: number, rounds: number, runs: DensityRun[] }} DensityData
 */

const limit = 65_536;
/** So many refusals in a row are a full limit: the lengths that come are as they come. */
const refusalsMax = 50;
const counts = { full: { seeds: 5, rounds: 20 }, quick: { seeds: 1, rounds: 3 } };

/**
 * @param {{ quick: boolean, show: (step: string) => void }} options
 * @returns {Promise<DensityData>}
 */
export async function measureDensity({ quick, show }) {
  const { seeds, rounds } = quick ? counts.quick : counts.full;
  /** @type {DensityRun[]} */
  const runs = [];
  for (const mix of mixes) {
    show(mix.name);
    for (const holder of Object.keys(holders)) {
      const all = Array.from({ length: seeds }, (_, seed) => churn(holder, mix, seed + 1, rounds));
      const median = (/** @type {'secrets' | 'first' | 'worst'} */ name) =>
        Number(all.map((run) => run[name]).sort((a, b) => a - b)[seeds >> 1]);
      const [secrets, first, worst] = [median('secrets'), median('first'), median('worst')];
      runs.push({ holder, mix: mix.name, secrets, first: share(first), worst: share(worst) });
    }
  }
  return { limit, seeds, rounds, runs };
}

/**
 * Fills it, then takes half away at random and fills it again, round after round.
 * @param {string} holder @param {import('@securemem/proof/length-mixes').Mix} mix @param {number} seed @param {number} rounds
 */
function churn(holder, mix, seed, rounds) {
  const take = holders[holder]?.(limit);
  if (take === undefined) throw new Error(`nobody holds secrets as ${holder}`);
  const random = randomOf(seed);
  /** @type {{ byteLength: number, release: () => void }[]} */
  let live = [];
  const fill = () => {
    for (let refusals = 0; refusals < refusalsMax; ) {
      const byteLength = mix.lengthOf(random);
      const release = take(byteLength);
      if (release === undefined) refusals += 1;
      else {
        live.push({ byteLength, release });
        refusals = 0;
      }
    }
    return live.reduce((sum, { byteLength }) => sum + byteLength, 0);
  };
  const first = fill();
  const secrets = live.length;
  let worst = first;
  for (let round = 0; round < rounds; round += 1) {
    live = live.filter(({ release }) => {
      const stays = random() >= 0.5;
      if (!stays) release();
      return stays;
    });
    worst = Math.min(worst, fill());
  }
  return { secrets, first, worst };
}

/** @param {number} byteLength */
function share(byteLength) {
  return Math.round((1000 * byteLength) / limit) / 1000;
}
