import { readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

/**
 * The rooms of core from the ground up: a folder of `packages/core/src`, or a file that lies in none. Each says what it
 * holds, and which rooms under it it may import. Everything about places and limits lies under `secret/` and names no handle.
 *
 * @typedef {{ room: string, holds: string, may: readonly string[] }} Room
 * @type {readonly Room[]}
 */
export const rooms = [
  { room: 'contract/', holds: 'what a backend promises', may: [] },
  { room: 'common/', holds: 'small things that any room may need', may: [] },
  { room: 'crash/', holds: 'how a dead process is judged: pure', may: ['contract/'] },
  { room: 'testing/', holds: 'a kernel and backends that are simulated', may: ['contract/'] },
  { room: 'options.ts', holds: 'every option, its default and its check', may: ['contract/'] },
  { room: 'telemetry/', holds: 'events', may: ['contract/'] },
  {
    room: 'limits/',
    holds: 'how much there may be, and the words for too little',
    may: ['contract/', 'options.ts'],
  },
  {
    room: 'placement/',
    holds: 'where bytes lie: regions, slabs, slots',
    may: ['contract/', 'common/', 'options.ts', 'telemetry/', 'limits/'],
  },
  {
    room: 'places/',
    holds: 'the account of places: who waits, accesses, release, purge',
    may: ['contract/', 'common/', 'options.ts', 'telemetry/', 'limits/', 'placement/'],
  },
  {
    room: 'requests/',
    holds: 'gives places for requests, in turn',
    may: ['contract/', 'options.ts', 'telemetry/', 'limits/', 'placement/', 'places/'],
  },
  {
    room: 'sealing/',
    holds: 'the sealing key, and ciphertext of one secret',
    may: ['contract/', 'common/', 'options.ts', 'limits/', 'placement/', 'places/', 'requests/'],
  },
  {
    room: 'secret/',
    holds: 'the handle',
    may: ['contract/', 'common/', 'placement/', 'places/', 'requests/', 'sealing/'],
  },
  {
    room: 'keys/',
    holds: 'private keys as secrets, used in their page or by a copy',
    may: ['contract/', 'common/', 'secret/'],
  },
  {
    room: 'lifetime/',
    holds: 'the one door to a new secret, and to whom it belongs',
    may: [
      'contract/',
      'common/',
      'options.ts',
      'telemetry/',
      'placement/',
      'places/',
      'requests/',
      'sealing/',
      'secret/',
    ],
  },
  {
    room: 'ingest/',
    holds: 'bytes from files, terminals and text',
    may: [
      'contract/',
      'common/',
      'options.ts',
      'places/',
      'requests/',
      'secret/',
      'keys/',
      'lifetime/',
    ],
  },
  {
    room: 'store/',
    holds: 'secrets by name, sealed until they are used',
    may: [
      'contract/',
      'common/',
      'options.ts',
      'telemetry/',
      'placement/',
      'places/',
      'requests/',
      'sealing/',
      'secret/',
      'ingest/',
      'lifetime/',
    ],
  },
  {
    room: 'allocations.ts',
    holds: 'every public method that makes a secret',
    may: ['contract/', 'common/', 'sealing/', 'secret/', 'lifetime/', 'ingest/'],
  },
  {
    room: 'use/',
    holds: 'hmac, encrypt and their kin',
    may: [
      'contract/',
      'common/',
      'options.ts',
      'sealing/',
      'secret/',
      'keys/',
      'lifetime/',
      'allocations.ts',
    ],
  },
  {
    room: 'phase.ts',
    holds: 'lifetime groups',
    may: ['contract/', 'common/', 'options.ts', 'secret/', 'lifetime/', 'allocations.ts'],
  },
  {
    room: 'verify.ts',
    holds: 'canaries and claims, checked now',
    may: ['telemetry/', 'placement/', 'places/'],
  },
  {
    room: 'stats.ts',
    holds: 'counters',
    may: ['telemetry/', 'limits/', 'placement/', 'places/', 'lifetime/'],
  },
  {
    room: 'allocator.ts',
    holds: 'createAllocator(): makes the parts and joins them',
    may: [
      'contract/',
      'options.ts',
      'places/',
      'requests/',
      'sealing/',
      'lifetime/',
      'store/',
      'allocations.ts',
      'phase.ts',
      'verify.ts',
      'stats.ts',
    ],
  },
  { room: 'first-available.ts', holds: 'the first backend that works here', may: ['contract/'] },
  {
    room: 'options-from-env.ts',
    holds: 'options from variables of the environment',
    may: ['options.ts'],
  },
];

const HOUSE = 'packages/core/src/';
/** Hands on what users see, and holds nothing. */
const FACE = 'index.ts';

const BEGIN = '<!-- rooms:start -->';
const END = '<!-- rooms:end -->';
const PAGE = 'docs/ARCHITECTURE.md';

/**
 * Every import that leads from a room of core to one that it may not name, and every entry of the table that is not so, as
 * one line each.
 *
 * @param {string} root @param {readonly string[]} files paths from the root, with forward slashes
 * @param {readonly Room[]} table
 */
export function brokenRooms(root, files, table = rooms) {
  const sources = files.filter((file) => file.startsWith(HOUSE) && file.endsWith('.ts'));
  const problems = table.flatMap(({ room, may }, i) => {
    const below = table.slice(0, i).map((other) => other.room);
    const upward = may.filter((name) => !below.includes(name));
    return upward.map(
      (name) => `the table of rooms lets ${room} import ${name}, which is not below it`,
    );
  });
  /** @type {Set<string>} */
  const used = new Set();
  for (const file of sources) {
    const from = roomOf(file);
    const entry = table.find(({ room }) => room === from);
    if (from === FACE) continue;
    if (entry === undefined) problems.push(`${file} is in no room of the table`);
    for (const to of entry === undefined ? [] : neighboursOf(root, file)) {
      used.add(`${from} ${to}`);
      if (!entry?.may.includes(to))
        problems.push(`${file} must not import from ${to}: it is not below ${from}`);
    }
  }
  for (const { room, may } of table) {
    const idle = may.filter((name) => !used.has(`${room} ${name}`));
    problems.push(
      ...idle.map((name) => `the table of rooms lets ${room} import ${name}, and nothing does`),
    );
  }
  return problems;
}

/** Whether the drawing in `docs/ARCHITECTURE.md` shows the table. @param {string} root */
export function oldDrawing(root) {
  const page = readFileSync(join(root, PAGE), 'utf8');
  return page === withDrawing(page)
    ? []
    : [`${PAGE}: the drawing of the rooms is old; run node tooling/check/src/draw-rooms.mjs`];
}

/** Draws the table into the page. @param {string} root */
export function draw(root) {
  const path = join(root, PAGE);
  writeFileSync(path, withDrawing(readFileSync(path, 'utf8')));
}

/** @param {string} page */
function withDrawing(page) {
  const start = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (start < 0 || end < start)
    throw new Error(`${PAGE} has no place for the drawing of the rooms`);
  return `${page.slice(0, start + BEGIN.length)}\n${drawing()}\n${page.slice(end)}`;
}

/** The rooms from the top down, each with what it holds and what it may import. */
function drawing() {
  const width = Math.max(...rooms.map(({ room }) => room.length)) + 2;
  const lines = rooms.toReversed().map(({ room, holds, may }) => {
    const imports = may.length === 0 ? 'nothing' : may.toReversed().join(' ');
    return `${room.padEnd(width)}${holds}\n${''.padEnd(width)}└─ ${imports}`;
  });
  return ['```text', ...lines, '```'].join('\n');
}

/** @param {string} file */
function roomOf(file) {
  const [first = '', rest] = file.slice(HOUSE.length).split('/');
  return rest === undefined ? first : `${first}/`;
}

/** The other rooms that a file imports from, types counted. @param {string} root @param {string} file */
function neighboursOf(root, file) {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'), true, true);
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(file), fileName).replace(/\.js$/, '.ts'))
    .map(roomOf)
    .filter((room) => room !== roomOf(file));
}
