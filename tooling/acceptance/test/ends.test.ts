import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../src/ends/certificate.js';
import { cellOf, measureEnds } from '../src/ends/measure.js';
import { MEASURED, nodeOf, RELEASES } from '../src/nodes.js';
import { needs } from '../src/run-scenario.js';

const document = readFileSync(new URL('../../../docs/ENDS.md', import.meta.url), 'utf8');

/** The rows of the tables that are measured: what, call, and a cell for each release. */
const rows = [...document.matchAll(/^\| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \|$/gm)]
  .map(([, what, call, ...cells]) => ({ what, call, cells }))
  .filter(({ cells }) => cells.every((cell) => cell === 'none' || cell === '1 or more'));

describe('docs/ENDS.md', () => {
  it.for(MEASURED)(
    'E1 to E4: the table equals what another process finds on Node %s',
    { timeout: 300_000 },
    async (release, context) => {
      needs(context, 'koffi');
      context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
      const certificate = makeCertificate();
      if (certificate === undefined) return context.skip('not proven: needs openssl');
      const node = nodeOf(release);
      if ('missing' in node) return context.skip(`not proven: ${node.missing}`);
      const measured = await measureEnds(node.program, certificate);
      const column = RELEASES.indexOf(release);
      expect(rows.map(({ what, call, cells }) => `${what} | ${call} | ${cells[column]}`)).toEqual(
        measured.map((row) => `${row.what} | ${row.call} | ${cellOf(row)}`),
      );
      // What leaves copies is found, so that a scan that finds nothing says something.
      expect(measured.filter(({ copies }) => copies > 0).length).toBeGreaterThanOrEqual(8);
    },
  );

  it('says of each source and consumer what leaves no copy, where there is anything', () => {
    const best = new Map<string, boolean>();
    for (const { what = '', cells } of rows) {
      best.set(what, best.get(what) === true || cells.every((cell) => cell === 'none'));
    }
    const without = [...best].filter(([, none]) => !none).map(([what]) => what);
    for (const what of without) expect(document).toContain(`**${what}**`);
  });
});
