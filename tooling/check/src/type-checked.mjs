import { dirname, join } from 'node:path';
import ts from 'typescript';

/** What is written in a language whose types can be checked. */
const TYPED = /\.(ts|mts|mjs)$/;

/**
 * Sources of which nobody checks the types: no tsconfig takes them in, or only as JavaScript that it does not check. One line
 * for each.
 * @param {string} root @param {readonly string[]} files
 */
export function uncheckedSources(root, files) {
  const checked = new Set(files.filter(isConfig).flatMap((file) => checkedBy(join(root, file))));
  return files
    .filter((file) => TYPED.test(file) && !/(^|\/)dist\//.test(file))
    .filter((file) => !checked.has(join(root, file)))
    .map((file) => `${file}: no tsconfig has its types checked`);
}

/** @param {string} file */
function isConfig(file) {
  return /(^|\/)tsconfig(\.[^/]+)?\.json$/.test(file);
}

/** @param {string} path @returns {string[]} */
function checkedBy(path) {
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile);
  if (error !== undefined) throw new Error(`${path}: ${error.messageText}`);
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path));
  return fileNames.filter((name) => options.checkJs === true || !name.endsWith('.mjs'));
}
