import { writeSync } from 'node:fs';
import { isError } from '../channel/is-error.js';
import { selfOrGroup } from './own-group.js';

/** EX_PROTOCOL of sysexits.h. */
const PROTOCOL_EXIT_CODE = 76;

/** Without a host there is nobody to work for: the exit hooks wipe what there is, and then all that was started ends, too. */
export function leaveWithHost(): never {
  const target = selfOrGroup();
  if (target < 0) process.once('exit', () => process.kill(target, 'SIGKILL'));
  process.exit(0);
}

/**
 * Ends the keeper because of what came over the channel, with one line on standard error: nothing that arrived is worth
 * going on for, and an exception of ours would say more than the host should hear. Memory that ran out for a payload ends
 * here, too, and is told by its words.
 */
export function leaveBecauseOf(thrown: unknown): never {
  const { name, message } = isError(thrown) ? thrown : new Error('no error');
  try {
    writeSync(2, `securemem: the keeper cannot go on: ${name}: ${message}\n`);
  } catch {
    // Nobody reads it.
  }
  process.exit(PROTOCOL_EXIT_CODE);
}
