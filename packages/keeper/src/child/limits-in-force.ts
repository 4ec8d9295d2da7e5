import { readdirSync, readFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import type { HardenLimits, KeeperLimitsInForce } from '../limits.js';
import type { Hello } from './hello.js';

/** How the kernel calls them in `/proc/self/limits`. */
const ROWS = {
  lockedByteLength: 'Max locked memory',
  coreByteLength: 'Max core file size',
  cpuSeconds: 'Max cpu time',
  dataByteLength: 'Max data size',
  openFiles: 'Max open files',
} as const;

/**
 * What must hold once it was asked for. The limit on locks is not among them: the budget of the allocator keeps it, whatever the kernel
 * says of it.
 */
const HELD = {
  coreByteLengthMax: 'coreByteLength',
  cpuSecondsMax: 'cpuSeconds',
  dataByteLengthMax: 'dataByteLength',
  openFilesMax: 'openFiles',
} as const;

/** The limits of this process now; undefined where no file tells, which is everywhere but on Linux. */
export function limitsInForce(): KeeperLimitsInForce | undefined {
  const limits = read('/proc/self/limits');
  const status = read('/proc/self/status');
  if (limits === undefined || status === undefined) return undefined;
  const soft = (row: string): number | 'unlimited' => {
    const told = limits.match(new RegExp(`^${row} +(\\d+) `, 'm'))?.[1];
    return told === undefined ? 'unlimited' : Math.min(Number(told), Number.MAX_SAFE_INTEGER);
  };
  const rows = Object.entries(ROWS).map(([name, row]) => [name, soft(row)]);
  return {
    ...(Object.fromEntries(rows) as Record<keyof typeof ROWS, number | 'unlimited'>),
    noNewPrivileges: /^NoNewPrivs:\t1$/m.test(status),
    heapByteLength: getHeapStatistics().heap_size_limit,
  };
}

/** What was asked for and does not hold, in words. */
export function brokenLimits(
  { askedLimits, limits }: Pick<Hello, 'askedLimits' | 'limits'>,
  inForce: KeeperLimitsInForce | undefined,
): string[] {
  if (inForce === undefined) return [];
  const broken = Object.entries(HELD).flatMap(([asked, name]) => {
    const max = limits[asked as keyof typeof HELD];
    const value = inForce[name];
    if (max === undefined || !askedLimits.includes(asked)) return [];
    return value === 'unlimited' || value > max ? [`${asked} is ${max}, but ${value} holds`] : [];
  });
  if (limits.noNewPrivileges && !inForce.noNewPrivileges) {
    broken.push('noNewPrivileges is asked for, but does not hold');
  }
  return broken;
}

/** Throws where the process has more already than it may have: such a limit would end it at its next step, and without a word. */
export function requireRoom({ dataByteLengthMax, openFilesMax }: HardenLimits): void {
  const data = Number(read('/proc/self/status')?.match(/^VmData:\s+(\d+) kB$/m)?.[1] ?? 0) * 1_024;
  if (dataByteLengthMax !== undefined && data >= dataByteLengthMax) {
    throw new RangeError(
      `dataByteLengthMax is ${dataByteLengthMax}, but the keeper has ${data} bytes before it begins`,
    );
  }
  const opened = openFiles();
  if (openFilesMax !== undefined && opened >= openFilesMax) {
    throw new RangeError(
      `openFilesMax is ${openFilesMax}, but the keeper has ${opened} descriptors before it begins`,
    );
  }
}

/** One more than the highest that is open: it is numbers that the limit bounds. */
function openFiles(): number {
  try {
    return Math.max(...readdirSync('/proc/self/fd').map(Number)) + 1;
  } catch {
    return 0;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
