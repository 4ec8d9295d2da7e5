import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { subjectOf } from './tally.mjs';

/**
 * Fails when the last whole run left something about a backend open. Usage: require-proof.mjs koffi
 * A test that names no backend counts for each of them: only naming another one excuses a gap.
 */
const subject = process.argv[2];
if (subject === undefined) stop('name a backend');

const file = fileURLToPath(new URL('../../../.cache/proof.json', import.meta.url));
/** @type {{ partial: boolean, passed: import('./tally.mjs').Outcome[], failed: unknown[], notProven: import('./tally.mjs').NotProven[] }} */
const proof = JSON.parse(readFileSync(file, 'utf8'));
if (proof.partial) stop('the last run was only of a part of the tests');
if (proof.failed.length > 0) stop(`${proof.failed.length} tests failed`);

const open = proof.notProven.filter((gap) => gap.subject === subject || gap.subject === 'every');
const proved = proof.passed.filter((outcome) => subjectOf(outcome) === subject);
if (proved.length === 0) stop(`no test of ${subject} was run`);
if (open.length > 0) {
  stop(
    `not proven for ${subject}:\n${open.map(({ name, reason }) => `  ${name}: ${reason}`).join('\n')}`,
  );
}
process.stdout.write(`${subject}: ${proved.length} tests passed, none left open\n`);

/** @param {string} line @returns {never} */
function stop(line) {
  process.stderr.write(`require-proof: ${line}\n`);
  process.exit(1);
}
