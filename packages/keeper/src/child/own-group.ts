import { readKernelFile } from '../kernel-file.js';

/**
 * What stands for this process in `process.kill`: its whole group where it leads one, as it does when its supervisor started it, so
 * that what its module started ends with it. Where that can't be told (only Linux says so in a file) it is the process alone.
 */
export function selfOrGroup(): number {
  try {
    // Behind the name in parentheses, which may hold anything: state, parent, group.
    const stat = readKernelFile('/proc/self/stat');
    const group = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
    return group === process.pid ? -process.pid : process.pid;
  } catch {
    return process.pid;
  }
}
