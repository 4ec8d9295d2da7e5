import { writeSync } from 'node:fs';
import { runPart, systemEvidence } from '../dist/index.js';
import { loadOpen } from './load-open.mjs';

/**
 * The suite in a process of its own. Usage: suite.mjs <module URL> <options>. What was opened and each result go to
 * descriptor 3, a line each, as they come: whoever reads them knows how far it got when the process dies.
 */
const [moduleUrl = '', json = '{}'] = process.argv.slice(2);
const { from, thorough, seed, only, timeLimitMs } = JSON.parse(json);

/** At once, since a process that is killed flushes nothing. @param {object} line */
const say = (line) => writeSync(3, `${JSON.stringify(line)}\n`);

try {
  const evidence = systemEvidence(moduleUrl, { timeLimitMs });
  // Before the backend is loaded, which may change what can be seen.
  await evidence.begin();
  const open = await loadOpen(moduleUrl);
  const options = { open, module: moduleUrl, evidence, thorough, seed, only };
  /** @param {import('../dist/index.js').Subject} subject @param {string} name */
  const onOpen = (subject, name) => say({ subject, evidence: name });
  await runPart({ ...options, onResult: (result) => say({ result }) }, { from, onOpen });
  say({ finished: true });
} catch (error) {
  say({ error: String(error) });
}
