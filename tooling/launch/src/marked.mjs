import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './workspace.mjs';

/**
 * Writes a part of a page that is made by a program: what stands between `<!-- NAME:start -->` and `<!-- NAME:end -->`.
 * @param {string} page as a path in the repository @param {string} name @param {string} text
 */
export function writeMarked(page, name, text) {
  const file = join(root, page);
  const before = readFileSync(file, 'utf8');
  const start = `<!-- ${name}:start -->`;
  const from = before.indexOf(start);
  const to = before.indexOf(`<!-- ${name}:end -->`);
  if (from < 0 || to < from) throw new Error(`${page} has no place for ${name}`);
  writeFileSync(file, `${before.slice(0, from)}${start}\n${text}\n${before.slice(to)}`);
}

/** A table of Markdown. @param {readonly string[]} heading @param {readonly (readonly string[])[]} rows */
export function tableOf(heading, rows) {
  return [heading, heading.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
