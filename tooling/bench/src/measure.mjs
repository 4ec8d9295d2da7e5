import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const childFile = fileURLToPath(new URL('./subject-process.mjs', import.meta.url));

/**
 * Measures all pairs side by side: every round measures each pair once, one after another, so that whatever else the
 * machine does falls on all of them alike, and a ratio is taken within a round.
 * @param {readonly { name: string, subject: string }[]} pairs
 * @param {{ rounds: number, onRound?: (round: number) => void, enough?: (rounds: number) => boolean }} options
 */
export async function measure(pairs, { rounds, onRound, enough }) {
  /** @type {Map<string, import('node:child_process').ChildProcess>} */
  const processes = new Map();
  /** @type {{ name: string, subject: string, reason: string }[]} */
  const unavailable = [];
  /** @type {import('./case.d.mts').Measurement[]} */
  const measurements = [];
  try {
    for (const { name, subject } of pairs) {
      const child =
        processes.get(subject) ?? fork(childFile, [subject], { execArgv: ['--expose-gc'] });
      processes.set(subject, child);
      const reply = await ask(child, { kind: 'open', name });
      if (reply.kind !== 'open') throw new Error(`unexpected reply ${reply.kind}`);
      if (reply.unavailable === undefined) measurements.push({ name, subject, nsPerOp: [] });
      else unavailable.push({ name, subject, reason: reply.unavailable });
    }
    for (let round = 0; round < rounds; round += 1) {
      if (enough?.(round)) break;
      onRound?.(round);
      for (const { name, subject, nsPerOp } of measurements) {
        const child = /** @type {import('node:child_process').ChildProcess} */ (
          processes.get(subject)
        );
        const reply = await ask(child, { kind: 'round', name });
        if (reply.kind === 'round') nsPerOp.push(reply.nsPerOp);
      }
    }
  } finally {
    for (const child of processes.values()) if (child.connected) child.disconnect();
  }
  return { measurements, unavailable };
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {import('./subject-process.mjs').Request} request
 * @returns {Promise<import('./subject-process.mjs').Reply>}
 */
async function ask(child, request) {
  const ended = new AbortController();
  const answer = once(child, 'message', { signal: ended.signal });
  const death = once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`the process that measured ${request.name} ended with ${signal ?? code}`);
  });
  child.send(request);
  try {
    const [reply] = await Promise.race([answer, death]);
    if (reply.kind === 'failed') throw new Error(`${request.name}: ${reply.stack}`);
    return reply;
  } finally {
    answer.catch(() => {});
    death.catch(() => {});
    ended.abort();
  }
}
