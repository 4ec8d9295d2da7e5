import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './cache.mjs';

/** An empty disk of its own; the file has no more bytes than a machine writes. @param {string} name @param {number} megabytes */
export function makeDisk(name, megabytes) {
  const directory = join(cache, 'disks');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${name}-${process.pid}.raw`);
  writeFileSync(file, '');
  truncateSync(file, megabytes * 1024 * 1024);
  return file;
}

/** @param {string} file */
export function removeDisk(file) {
  rmSync(file, { force: true });
}
