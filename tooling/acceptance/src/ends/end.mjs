/**
 * One case of `cases.mjs`, in a process that is then looked at: `end.mjs GROUP INDEX MASKED ORIGIN CA_FILE`. It says that it is
 * done in one line of JSON, and lives until its standard input ends.
 */
import { readFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { openBackend } from '../backends.mjs';
import { markerFromMasked } from '../memory-scan.mjs';
import { consumers, sources } from './cases.mjs';

const [group = '', index = '', masked = '', origin = '', caFile = ''] = process.argv.slice(2);
const one = (group === 'sources' ? sources : consumers)[Number(index)];
if (one === undefined) throw new RangeError(`there is no case ${group} ${index}`);
const memory = createAllocator({ backend: openBackend('koffi') });
const ca = caFile === '' ? '' : readFileSync(caFile, 'utf8');
const held = [await one.run({ memory, marker: markerFromMasked(masked), origin, ca })];
process.stdout.write(`${JSON.stringify({ held: held.length })}\n`);
process.stdin.resume().once('end', () => process.exit(held.length - 1));
