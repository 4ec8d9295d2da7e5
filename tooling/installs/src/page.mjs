import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';

/**
 * What a section of a page tells its reader to do.
 * @typedef {object} Section
 * @property {Readonly<Record<string, string>>} files to write, by the name in their first line
 * @property {readonly string[]} commands to run in this order
 */

/**
 * A section of `docs/BUNDLERS.md`, so that what is built is what the page says.
 * @param {string} title @returns {Section}
 */
export function sectionOf(title) {
  const page = readFileSync(join(root, 'docs', 'BUNDLERS.md'), 'utf8');
  const text = page.split(/^## /m).find((section) => section.startsWith(`${title}\n`));
  if (text === undefined) throw new Error(`docs/BUNDLERS.md has no section ${title}`);
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)];
  const files = blocks
    .filter(([, language]) => language === 'javascript')
    .map(([, , code]) => [String(code?.match(/^\/\/ (\S+)\n/)?.[1]), String(code)]);
  const commands = blocks
    .filter(([, language]) => language === 'sh')
    .flatMap(([, , code]) => String(code).trim().split('\n'));
  return { files: Object.fromEntries(files), commands };
}

/** The same with all packages in the bundle: without whatever leaves them out. @param {Section} section @returns {Section} */
export function inOneFile({ files, commands }) {
  const whole = Object.entries(files).map(([name, code]) => [
    name,
    code.replaceAll(/^ +externals?(Type)?: .*\n/gm, ''),
  ]);
  return {
    files: Object.fromEntries(whole),
    commands: commands.map((line) =>
      line.replaceAll(/ --external @securemem\/\w+| '--external:@securemem\/\*'/g, ''),
    ),
  };
}
