import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './workspace.mjs';

/**
 * Writes a file of results that is kept in the repository: whole or not at all, whenever this ends, and as the rest of the repository is
 * formatted. `file` ends with .json.
 * @param {string} file @param {unknown} value
 */
export function keepJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  const next = `${file.slice(0, -'.json'.length)}.next.json`;
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`);
  const formatter = join(root, 'node_modules/.bin/biome');
  // As it is where the formatter is not installed.
  if (existsSync(formatter)) spawnSync(formatter, ['format', '--write', next], { cwd: root });
  renameSync(next, file);
}
