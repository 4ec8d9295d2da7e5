import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { runForJson, withoutPlaces } from '../child.mjs';

/**
 * @typedef {object} MillionRun
 * @property {string} backend
 * @property {boolean} sealed
 * @property {number} memlock 0: as it is
 * @property {Record<string, number>} figures what the program prints with --json
 *
 * @typedef {{ secrets: number, runs: MillionRun[], failed: string[] }} MillionData
 */

const programFile = join(root, 'tooling/acceptance/src/million/main.mjs');
const secrets = { full: 1_000_000, quick: 20_000 };
const sealedMemlock = 65_536;

/**
 * @param {{ quick: boolean, msMax: number, show: (step: string) => void }} options
 * @returns {Promise<MillionData>}
 */
export async function measureMillion({ quick, msMax, show }) {
  const count = quick ? secrets.quick : secrets.full;
  const endsAt = performance.now() + msMax;
  /** @type {MillionData} */
  const data = { secrets: count, runs: [], failed: [] };
  for (const sealed of [false, true]) {
    for (const backend of ['koffi', 'napi']) {
      const memlock = sealed ? sealedMemlock : 0;
      show(`${backend}, ${sealed ? 'sealed, under 64 KiB' : 'locked'}`);
      try {
        const args = millionArguments({ backend, sealed, memlock }, count);
        const left = Math.max(1000, endsAt - performance.now());
        const figures = await runForJson('million', [programFile, ...args, '--json'], {
          msMax: left,
        });
        data.runs.push({ backend, sealed, memlock, figures });
      } catch (error) {
        data.failed.push(withoutPlaces(error instanceof Error ? error.message : String(error)));
      }
    }
  }
  return data;
}

/** @param {Pick<MillionRun, 'backend' | 'sealed' | 'memlock'>} run @param {number} count */
export function millionArguments({ backend, sealed, memlock }, count) {
  return [
    '--backend',
    backend,
    ...(sealed ? ['--sealed'] : []),
    ...(memlock === 0 ? [] : ['--memlock', String(memlock)]),
    ...(count === secrets.full ? [] : ['--secrets', String(count)]),
  ];
}
