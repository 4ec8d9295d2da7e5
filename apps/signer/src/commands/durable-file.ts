import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../service/option-values.js';

/** A path beside `target` for what becomes it. Throws ConfigError when something of a database is there already. */
export function unusedPath(target: string): string {
  const taken = ['', '-wal', '-shm'].find((end) => existsSync(`${target}${end}`));
  if (taken !== undefined) throw new ConfigError(`${target}${taken} is there already`);
  return `${target}.${process.pid}.part`;
}

/** Makes an empty file that is its owner's alone from the first moment on. */
export function makePrivate(path: string): void {
  closeSync(openSync(path, 'wx', 0o600));
}

/** Puts a file and its name on the disk. */
export function syncFile(path: string): void {
  for (const name of [path, dirname(path)]) {
    const fd = openSync(name, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}
