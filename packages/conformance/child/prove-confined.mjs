import { readFileSync } from 'node:fs';
import { openSystem } from './system.mjs';

/**
 * Answers only under a lock limit that really binds.
 * @param {number} limitByteLength @param {(reason: string) => never} notProven
 */
export async function proveConfined(limitByteLength, notProven) {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = BigInt(
    `0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? 'ffffffffffffffff'}`,
  );
  if ((effective >> 14n) & 1n) notProven('this process may lock without limit (CAP_IPC_LOCK)');
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1];
  if (Number(soft) !== limitByteLength)
    notProven(`the lock limit is ${soft}, not ${limitByteLength}`);
  const pages = limitByteLength / 4096;
  const lockable = (await openSystem())?.lockablePages(pages + 4);
  if (lockable !== undefined && lockable !== pages) {
    notProven(`${lockable} pages could be locked under a limit of ${pages}`);
  }
}
