import { tableOf, writeMarked } from '@securemem/launch/marked';
import { SCENARIOS } from './scenarios/index.mjs';

/** The table of what was seen on machines, in the page of evidence. @param {import('./results.mjs').Results} results */
export function writeEvidence(results) {
  writeMarked('docs/EVIDENCE.md', 'machines', renderTable(results));
}

/** @param {import('./results.mjs').Results} results */
export function renderTable(results) {
  const rows = SCENARIOS.flatMap(({ id, name, kernels }) =>
    kernels.map((kernel) => {
      const found = results[name]?.[kernel];
      if (found === undefined) return [id, name, kernel, '*not run*', ''];
      const seen = `${found.holds ? '' : '**does not hold:** '}${oneLine(found.line)}`;
      return [id, name, found.release, seen, found.date];
    }),
  );
  return tableOf(['id', 'scenario', 'kernel', 'what was seen', 'on'], rows);
}

/** @param {string} text */
function oneLine(text) {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '/').slice(0, 600);
}
