import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tableFile } from '../src/cells.mjs';
import { type Attempt, renderTable } from '../src/table.mjs';
import { publishedPackages } from '../src/tarballs.mjs';
import { describeBlockedScripts } from './blocked-scripts.js';
import { describeBundlers } from './bundlers.js';
import { describeCopies } from './copies.js';
import { describeFirstProgram } from './first-program.js';
import { describeFreshEyes } from './fresh-eyes.js';
import { describeMatrix } from './matrix.js';
import { full, Place } from './place.js';
import { describeTwoPackages } from './two-packages.js';
import { describeTypes } from './types.js';

/** Links and `sh` make up the machine without a compiler. */
const posix = process.platform !== 'win32';

/** Packing is slow, so a usual run packs what it needs and no more. */
const FEW = ['core', 'ffi', 'koffi', 'napi', 'nolock'].map((name) => `@securemem/${name}`);

const attempts: Attempt[] = [];
let made: Place | undefined;
const place = (): Place => made as Place;

beforeAll(() => {
  if (posix) made = new Place(full ? Object.keys(publishedPackages()) : FEW);
}, 120_000);

afterAll(() => {
  made?.remove();
  if (!full) return;
  mkdirSync(dirname(tableFile), { recursive: true });
  writeFileSync(tableFile, renderTable(attempts));
}, 240_000);

if (posix) {
  describeFirstProgram(place);
  describeTwoPackages(place);
  describeMatrix(place, attempts);
  describeCopies(place, attempts);
  describeBlockedScripts(place);
  if (full) {
    describeTypes(place, attempts);
    describeFreshEyes(place, attempts);
    describeBundlers(place, attempts);
  }
} else {
  it('installs on a machine without a compiler', (ctx) => {
    ctx.skip('not proven: such a machine is made up with links and sh, which Windows has not');
    expect(posix).toBe(true);
  });
}
