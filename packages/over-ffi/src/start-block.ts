import type { Address } from './address.js';
import { linesOf, textOf } from './linux-proc.js';
import type { Span } from './system.js';

/** In the list of proc(5), which counts from 1: where the variables begin that the process was started with. */
const ENV_START = 50;
/** The first field behind the name of the program, which alone may have spaces and parentheses in it. */
const AFTER_NAME = 3;

/**
 * The block that `/proc/<pid>/environ` shows: the variables as the process was given them. Undefined where the kernel does not
 * tell, or names memory that is not there: a process may move it (prctl PR_SET_MM), and nothing that is not ours is touched.
 */
export function startBlock(): Span | undefined {
  const span = startBlockIn(textOf('/proc/self/stat') ?? '');
  if (span === undefined) return undefined;
  try {
    return isMapped(linesOf('/proc/self/maps'), span) ? span : undefined;
  } catch {
    return undefined;
  }
}

/** The block that a line of `/proc/<pid>/stat` tells. */
export function startBlockIn(stat: string): Span | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [start, end] = fields.slice(ENV_START - AFTER_NAME);
  if (start === undefined || end === undefined) return undefined;
  const [from, to] = [BigInt(start), BigInt(end)];
  if (from === 0n || to <= from) return undefined;
  return { address: from as Address, byteLength: Number(to - from) };
}

/** Whether the whole of it lies in one mapping that may be written. */
export function isMapped(lines: Iterable<string>, { address, byteLength }: Span): boolean {
  const end = address + BigInt(byteLength);
  for (const line of lines) {
    const [range = '', access = ''] = line.split(' ');
    const [first, last] = range.split('-').map((part) => BigInt(`0x${part}`));
    if (first === undefined || last === undefined || first > address || last < end) continue;
    return access.startsWith('rw');
  }
  return false;
}
