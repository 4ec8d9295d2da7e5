/**
 * The process of one subject. It opens the loops of that subject and runs rounds when told, so that no subject meets
 * code that was compiled for another, nor another's garbage.
 *
 * @typedef {{ kind: 'open' | 'round', name: string }} Request
 * @typedef {{ kind: 'open', unavailable?: string } | { kind: 'round', nsPerOp: number } | { kind: 'failed', stack: string }} Reply
 */
import { loadCases } from './cases.mjs';
import { calibrate, measureRound } from './rounds.mjs';

const subject = process.argv[2] ?? '';
const cases = await loadCases();
/** @type {Map<string, { loop: import('./case.d.mts').Loop, count: number }>} */
const opened = new Map();

process.on('message', async (/** @type {Request} */ request) => {
  try {
    reply(request.kind === 'open' ? await open(request.name) : await round(request.name));
  } catch (error) {
    reply({
      kind: 'failed',
      stack: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
});
process.on('disconnect', async () => {
  for (const { loop } of opened.values()) await loop.close?.();
  process.exit(0);
});

/** @param {string} name @returns {Promise<Reply>} */
async function open(name) {
  const openLoop = cases.find((each) => each.name === name)?.subjects[subject];
  if (openLoop === undefined) return { kind: 'open', unavailable: 'no such case' };
  try {
    const loop = await openLoop();
    opened.set(name, { loop, count: await calibrate(loop) });
    return { kind: 'open' };
  } catch (error) {
    return { kind: 'open', unavailable: error instanceof Error ? error.message : String(error) };
  }
}

/** @param {string} name @returns {Promise<Reply>} */
async function round(name) {
  const entry = opened.get(name);
  if (entry === undefined) throw new Error(`${name} is not open`);
  return { kind: 'round', nsPerOp: await measureRound(entry.loop, entry.count) };
}

/** @param {Reply} message */
function reply(message) {
  process.send?.(message);
}
