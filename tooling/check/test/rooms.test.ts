import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { brokenRooms, oldDrawing, rooms } from '../src/rooms.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rooms-'));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

const TABLE = [
  { room: 'ground/', holds: '', may: [] },
  { room: 'middle/', holds: '', may: ['ground/'] },
  { room: 'roof.ts', holds: '', may: ['middle/'] },
];
const HOUSE = {
  'ground/a.ts': 'export {};',
  'middle/b.ts': "import type { A } from '../ground/a.js';",
  'middle/c.ts': "import { b } from './b.js';",
  'roof.ts': "export * from './middle/b.js';",
  'index.ts': "export * from './ground/a.js'; export * from './roof.js';",
};

function judge(changes: Record<string, string>, table = TABLE): string[] {
  const files = Object.entries({ ...HOUSE, ...changes }).map(([name, text]) => {
    const file = `packages/core/src/${name}`;
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
    return file;
  });
  return brokenRooms(root, files, table);
}

it('a house in which every import leads down as the table says has no problem', () => {
  expect(judge({})).toEqual([]);
});

it.each([
  ['a type from above', { 'ground/a.ts': "import type { B } from '../middle/b.js';" }],
  ['a value from above', { 'middle/c.ts': "export { r } from '../roof.js';" }],
  ['a dynamic import', { 'ground/a.ts': "const b = await import('../middle/b.js');" }],
  [
    'a room below that the table does not name',
    { 'roof.ts': "import './middle/b.js'; import './ground/a.js';" },
  ],
  ['a file in no room', { 'attic/d.ts': 'export {};' }],
])('%s is a problem', (_, changes) => {
  expect(judge(changes)).toHaveLength(1);
});

it('a table that lets a room look up, or import what it does not, is a problem', () => {
  const upward = TABLE.map((entry) =>
    entry.room === 'ground/' ? { ...entry, may: ['roof.ts'] } : entry,
  );
  expect(judge({}, upward)).toEqual([
    'the table of rooms lets ground/ import roof.ts, which is not below it',
    'the table of rooms lets ground/ import roof.ts, and nothing does',
  ]);
});

it('a drawing that does not show the table is a problem', () => {
  mkdirSync(join(root, 'docs'));
  writeFileSync(
    join(root, 'docs/ARCHITECTURE.md'),
    '<!-- rooms:start -->\n```text\nsecret/  the handle\n```\n<!-- rooms:end -->\n',
  );
  expect(oldDrawing(root)).toHaveLength(1);
});

it('nothing that lies below the handle may import it', () => {
  const at = rooms.findIndex(({ room }) => room === 'secret/');
  const below = rooms.slice(0, at).map(({ room }) => room);
  expect(below).toEqual(
    expect.arrayContaining(['limits/', 'placement/', 'places/', 'requests/', 'sealing/']),
  );
  for (const { may } of rooms.slice(0, at)) {
    expect(may.filter((room) => !below.includes(room))).toEqual([]);
  }
});
