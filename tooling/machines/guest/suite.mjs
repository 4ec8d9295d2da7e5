import { readFileSync, writeFileSync } from 'node:fs';
import { runConformance } from '@securemem/conformance';
import { tell } from './say.mjs';

/** suite.mjs BACKEND OUTPUT: the suite in a process of its own, since a backend may take it along. */
const [backend = '', output = ''] = process.argv.slice(2);
const ids = /securemem\.ids=(\S+)/.exec(readFileSync('/proc/cmdline', 'latin1'))?.[1];
const module = new URL(`../open-${backend}.mjs`, import.meta.url);

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

writeFileSync(output, JSON.stringify(await answer()));
process.exit(0);

async function answer() {
  const { open } = await import(module.href);
  try {
    open()[Symbol.dispose]();
  } catch (error) {
    return { unavailable: messageOf(error) };
  }
  const report = await runConformance({
    open,
    module,
    ...(ids === undefined ? {} : { only: ids.split(',') }),
    timeLimitMs: 1_200_000,
    onResult: ({ id, outcome, reason = '', durationMs }) =>
      tell(`${backend} ${id}: ${outcome} ${reason} (${Math.round(durationMs / 100) / 10} s)`),
  });
  return { report };
}
