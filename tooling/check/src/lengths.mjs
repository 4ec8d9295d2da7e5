import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Lines, comments and all. What is longer has two nouns in it, mostly. */
const LINES_MAX = 300;

/** Sources of ours, not their tests: a test file may hold one long table. */
const SOURCES =
  /^(packages|apps|tooling)\/[^/]+\/(src|native|scripts)\/(?!vendor\/).*\.(ts|mts|mjs|js|cc|h)$/;

/** Why a file may be longer all the same. */
const REASONS = {
  'packages/backend-napi/native/addon.cc':
    'one function of the addon after another, each the checks of its arguments and one call',
  'packages/backend-napi/native/region_table.cc':
    'regions, their views and the access to them: one table, and the rule that nothing is closed behind an alias or a reader',
  'packages/core/src/allocations.ts':
    'one way to a secret after another, each with its documentation and one call',
  'packages/core/src/options.ts':
    'one option after another, each with its documentation and its check',
  'packages/core/src/testing/simulated-backend.ts':
    'one method of the contract after another, each the checks of its arguments and one call',
  'tooling/acceptance/src/copies.mjs': 'one row of the table of copies after another',
  'packages/core/src/secret/secret.ts':
    'the handle: its fields are private, and all that may touch them has to stand in the class',
};

/**
 * Files that are too long without a reason, and reasons for files that are not.
 * @param {string} root @param {readonly string[]} files tracked by git, from the root
 * @param {Readonly<Record<string, string>>} [reasons] @returns {string[]}
 */
export function tooLong(root, files, reasons = REASONS) {
  const problems = [];
  const long = new Set();
  for (const file of files.filter((path) => SOURCES.test(path))) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length - 1;
    if (lines <= LINES_MAX) continue;
    long.add(file);
    if (reasons[file] === undefined) {
      problems.push(`${file} has ${lines} lines, more than ${LINES_MAX}: split it, or say why not`);
    }
  }
  const idle = Object.keys(reasons).filter((file) => !long.has(file));
  return [...problems, ...idle.map((file) => `${file} needs no reason to be long any more`)];
}
