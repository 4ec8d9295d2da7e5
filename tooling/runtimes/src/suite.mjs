// Copied into each project, and run there by each runtime: suite.mjs BACKEND OUTPUT REASON. The minimal standalone
// runner: no test framework, and the result goes to a file, since not every emulator has working pipes.
import { writeFileSync } from 'node:fs';
import process from 'node:process';

const [backend = '', output = '', reason = ''] = process.argv.slice(2);
const module = new URL(`./open-${backend}.mjs`, import.meta.url);

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

let answer;
try {
  const { noEvidence, runConformance } = await import('@securemem/conformance');
  const { open } = await import(module.href);
  try {
    open()[Symbol.dispose]();
    const evidence = reason === '' ? {} : { evidence: noEvidence(reason) };
    answer = { report: await runConformance({ open, module, ...evidence }) };
  } catch (error) {
    answer = { unavailable: messageOf(error) };
  }
} catch (error) {
  answer = { unavailable: `the packages cannot be loaded: ${messageOf(error)}` };
}
writeFileSync(output, JSON.stringify(answer));
process.exit(0);
