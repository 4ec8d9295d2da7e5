import { writeSync } from 'node:fs';
import type { CrashReport } from './crash-report.js';

/** EX_SOFTWARE of sysexits.h: an internal error, which is what a halt of the whole host is. */
const HALT_EXIT_CODE = 70;

/**
 * Ends the host with exit code 70 after one line on standard error, in which there is nothing that the keeper has
 * written. Secrets of the host's own allocators are wiped by their exit hooks, which run inside `process.exit`.
 */
export function exitHost({ category, reason, pid, generation }: CrashReport): never {
  writeSync(
    2,
    `securemem: keeper ${pid} (life ${generation}) crashed, ${category}: ${reason}; halting\n`,
  );
  process.exit(HALT_EXIT_CODE);
}
