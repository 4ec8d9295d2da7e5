import type { CompleteOptions } from '../complete-options.js';

const MIB = 1024 * 1024;

/** The options of the runtime that our own limits need, and those that close its inspector. */
export function runtimeArguments(options: CompleteOptions): string[] {
  const own: string[] = [];
  const { heapByteLengthMax } = options.limits;
  if (heapByteLengthMax !== undefined) {
    own.push(`--max-old-space-size=${Math.floor(heapByteLengthMax / MIB)}`);
  }
  // Older runtimes refuse the option; there the keeper looks itself whether a debugger was opened before it could listen.
  if (process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')) own.push('--disable-sigusr1');
  return [...options.execArgv, ...own];
}
