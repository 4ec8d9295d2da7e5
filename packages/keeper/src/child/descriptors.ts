import { closeSync, readdirSync } from 'node:fs';
import { readKernelFile } from '../kernel-file.js';

/** Standard input, output and error, the channel, and the pipe that ends with the host. */
const OWN_DESCRIPTORS = 5;

/** O_CLOEXEC in the octal flags of `/proc/self/fdinfo`, the same on every architecture that Node runs on. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes what the host has let through without meaning to: files that a library of it opened without the flag that closes
 * them here. They are told from the runtime's own by that flag, since nothing that came with the start can have it. Only
 * Linux says so; elsewhere nothing happens.
 */
export function closeStrangers(given: readonly number[]): void {
  if (process.platform !== 'linux') return;
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name);
    if (descriptor < OWN_DESCRIPTORS || given.includes(descriptor)) continue;
    if (cameWithTheStart(descriptor)) closeSync(descriptor);
  }
}

function cameWithTheStart(descriptor: number): boolean {
  try {
    const info = readKernelFile(`/proc/self/fdinfo/${descriptor}`);
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(info) ?? [];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // The one that listed the directory is gone by now.
    return false;
  }
}
