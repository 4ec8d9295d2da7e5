import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

const require = createRequire(import.meta.url);

/**
 * What a figure depends on, and nothing that names the machine.
 * @typedef {object} Machine
 * @property {string} processor
 * @property {number} processors
 * @property {number} memoryGiB
 * @property {string} system
 * @property {string} node
 * @property {string} sodiumNative
 * @property {number} mappingsMax vm.max_map_count; 0 where there is no such limit
 */

/** @returns {Machine} */
export function machine() {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    processors: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // A kernel's own suffix says who built it, which changes nothing here.
    system: `${type()} ${release().replace(/-.*$/, '')} ${process.arch}`,
    node: process.version,
    sodiumNative: require('sodium-native/package.json').version,
    mappingsMax: mappingsMax(),
  };
}

function mappingsMax() {
  try {
    return Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1'));
  } catch {
    return 0;
  }
}

/** Processes that wanted to run during the last minute: above the number of processors, times are not ours alone. */
export function load() {
  return Math.round((loadavg()[0] ?? 0) * 10) / 10;
}

/** The day, as in ISO 8601. */
export function today() {
  return new Date().toISOString().slice(0, 10);
}
