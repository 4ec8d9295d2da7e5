import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';

/**
 * What the README tells a newcomer to do first, taken from its first three blocks of code.
 * @typedef {object} FirstSteps
 * @property {string} install the command, as written
 * @property {string} file the name that the program is given
 * @property {string} program
 * @property {readonly string[]} commands that are run then, without their comments
 */

/** @returns {FirstSteps} */
export function firstSteps() {
  const text = readFileSync(join(root, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
    language,
    code: String(code),
  }));
  const [first, second, third] = blocks;
  if (first?.language !== 'sh' || second?.language !== 'js' || third?.language !== 'sh') {
    throw new Error('README.md does not begin with an install, a program and how to start it');
  }
  const file = second.code.match(/^\/\/ (\S+)\n/)?.[1];
  if (file === undefined) throw new Error('the first program of README.md names no file');
  const commands = third.code.split('\n').map((line) => line.replace(/\s+#.*$/, '').trim());
  return {
    install: first.code.trim(),
    file,
    program: second.code,
    commands: commands.filter((line) => line !== ''),
  };
}

/** The same steps with another backend, as a reader would write them. @param {FirstSteps} steps @param {string} backend */
export function withBackend(steps, backend) {
  /** @param {string} text */
  const change = (text) => text.replaceAll('koffi', backend);
  return { ...steps, install: change(steps.install), program: change(steps.program) };
}

/** The program for `require`. @param {string} program an ES module */
export function asCommonJs(program) {
  const required = program.replaceAll(
    /^import \{([^}]*)\} from '([^']+)';$/gm,
    (_, names, from) => `const {${names}} = require('${from}');`,
  );
  if (/^import /m.test(required)) throw new Error('an import that was not understood');
  return `(async () => {\n${required}\n})();\n`;
}
