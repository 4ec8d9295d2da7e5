import { readFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { openBackend } from '../src/backends.mjs';
import { measureCopies, measureRefusals } from '../src/copies.mjs';
import { tableOf, tablesIn } from '../src/copies-table.js';
import { needs } from '../src/run-scenario.js';

const document = readFileSync(new URL('../../../docs/COPIES.md', import.meta.url), 'utf8');
/** Measured where it can be: in a terminal, by `lifetimes-terminal.test.ts`. */
const IN_A_TERMINAL = '| `fromTerminal` | none | none |';

// Of napi the mode whose pages a scan can see: each case first shows that the scan finds the page itself.
describe.each(['koffi', 'napi-mlock'])('the copies table, %s', (backend) => {
  it('equals what a scan of this process finds after each way in and each consumer', async (context) => {
    needs(context, backend);
    context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
    const opened = openBackend(backend);
    const memory = createAllocator({ backend: opened });
    const counts = await measureCopies(memory);
    await memory.close();
    opened[Symbol.dispose]();

    const tables = tablesIn(document);
    const ways = (tables.get('Ways in') ?? []).filter((line) => line !== IN_A_TERMINAL);
    expect(ways).toEqual(tableOf(counts, 'ways'));
    expect(tables.get('Ways in')).toContain(IN_A_TERMINAL);
    expect(tables.get('Consumers')).toEqual(tableOf(counts, 'consumers'));
    expect(tables.get('Secrets that consumers make')).toEqual(tableOf(counts, 'results'));
    expect(tables.get('What leaves copies')).toEqual(tableOf(counts, 'controls'));

    // What protects is all zeros, and the scan finds what does not.
    const ours = counts.filter(({ group }) => group !== 'controls');
    expect(ours.filter(({ held, after }) => held + after > 0)).toEqual([]);
    expect(counts.filter(({ held }) => held > 0).length).toBeGreaterThanOrEqual(6);
  }, 600_000);

  it('leaves nothing of input that was refused once it had been read', async (context) => {
    needs(context, backend);
    context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
    const opened = openBackend(backend);
    const memory = createAllocator({ backend: opened });
    const copies = await measureRefusals(memory);
    expect(Object.keys(copies).length).toBeGreaterThanOrEqual(4);
    expect(Object.values(copies).filter((count) => count > 0)).toEqual([]);
    await memory.close();
    opened[Symbol.dispose]();
  });
});
