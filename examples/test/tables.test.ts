import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAllocator, type MemoryBackend, roomFor } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const page = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** The rows of the table whose first row contains `heading`, cell by cell. */
function table(path: string, heading: string): string[][] {
  const lines = page(path).split('\n');
  const start = lines.findIndex((line) => line.startsWith('|') && line.includes(heading));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith('|'));
  return lines.slice(start, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

function opened(open: () => MemoryBackend, ctx: TestContext): MemoryBackend {
  try {
    const backend = open();
    onTestFinished(() => backend[Symbol.dispose]());
    return backend;
  } catch (error) {
    return ctx.skip(`not proven: ${(error as Error).message}`);
  }
}

describe('docs/CHOOSING-A-BACKEND.md', () => {
  const yes = (value: boolean): string => (value ? 'yes' : 'no');
  const FORK = { absent: 'not there', zeroed: 'zero bytes', inherited: 'inherited' };

  it('says of each backend what it says of itself on Linux', (ctx) => {
    if (process.platform !== 'linux') ctx.skip('not proven: the table is about Linux');
    const [, , ...rows] = table('docs/CHOOSING-A-BACKEND.md', 'napi, `mlock`');
    const row = (name: string): string[] => rows.find(([first]) => first === name) as string[];
    const backends = [
      () => koffiBackend(),
      () => napiBackend({ kernelHidden: 'off' }),
      () => napiBackend({ kernelHidden: 'require' }),
      () => nolockBackend(),
    ].map((open) => opened(open, ctx));
    for (const [i, { capabilities: can }] of backends.entries()) {
      const said = (name: string): string => row(name)[i + 1] as string;
      expect(said('locked')).toBe(yes(can.locking === 'locked'));
      expect(said('guard pages')).toBe(yes(can.guardPages));
      expect(said('strongest protection at rest')).toBe(can.protection.replace('-', ' '));
      expect(said('left out of core files')).toBe(yes(can.dumpExclusion));
      expect(said('in a forked child')).toBe(FORK[can.forkBehaviour]);
      expect(said('hidden from root')).toBe(yes(can.kernelHidden));
      expect(said('views')).toBe(can.views === 'none' ? 'none: copies' : can.views);
      expect(said('terminated worker thread').split(',')[0]).toBe(can.threadExit);
      expect(said('variables of the environment')).toBe(can.environment);
      expect(said('sealing').startsWith('in place')).toBe(can.cipher === 'in-place');
    }
  });
});

describe('docs/TELEMETRY.md', () => {
  it('lists every event that an allocator counts, and no other', async () => {
    const memory = createAllocator({ backend: nolockBackend() });
    const [, , ...rows] = table('docs/TELEMETRY.md', 'payload');
    const listed = rows.map(([name]) => name?.replaceAll('`', '').replace('securemem:', ''));
    expect(listed.sort()).toEqual(Object.keys(memory.stats().events).sort());
    await memory.close();
  });
});

describe('docs/ARCHITECTURE.md', () => {
  it('names files that are there', () => {
    const rows = table('docs/ARCHITECTURE.md', 'it is in').flat().join(' ');
    const paths = [...rows.matchAll(/`((?:core|keeper|backend-\w+|tooling)\/[^`]*)`/g)];
    const missing = paths
      .map(([, path]) => path as string)
      .filter((path) => !path.includes('<'))
      .map((path) => (path.startsWith('tooling/') ? path : `packages/${path}`))
      .filter((path) => !existsSync(join(ROOT, path)));
    expect(paths.length).toBeGreaterThan(15);
    expect(missing).toEqual([]);
  });
});

describe('README.md', () => {
  it('lists every package that is published', () => {
    const rows = table('README.md', '| package | for |')
      .map(([name]) => name)
      .join(' ');
    for (const name of readdirSync(join(ROOT, 'packages'))) {
      const manifest = JSON.parse(page(`packages/${name}/package.json`)) as {
        name: string;
        private?: boolean;
      };
      if (manifest.private === true) continue; // Others take it into themselves; nobody installs it.
      expect(rows).toContain(`[\`${manifest.name}\`](packages/${name})`);
    }
  });

  it('compares by what the bench has measured', () => {
    const rows = table('README.md', '| | securemem | [sodium-native]');
    const said = (name: string) => rows.find(([first]) => first === name) as string[];
    const measured = page('docs/BENCHMARKS.md').split(/^### /m);
    const cells = (limit: string, subject: string): string[] => {
      const part = measured.find((one) => one.startsWith(limit)) as string;
      const row = part.split('\n').find((line) => line.startsWith(`| ${subject} |`)) as string;
      return row.split('|').map((cell) => cell.trim().replaceAll('*', ''));
    };
    // Columns are 10, 100, 1,000 and so on.
    const thousand = (limit: string, subject: string) =>
      String(cells(limit, subject)[4]).split(', ');
    const small = 'Under a lock limit of 64 KiB';
    const none = 'Under no lock limit';
    const [koffiTime, koffiLocked] = thousand(small, 'securemem koffi');
    const [sodiumTime] = thousand(small, 'sodium-native');
    const [, sodiumLocked] = thousand(none, 'sodium-native');
    const [keyObjectTime] = thousand(none, 'KeyObject');
    expect(said('Time to make each of them').slice(1, 4)).toEqual([
      koffiTime,
      sodiumTime,
      keyObjectTime,
    ]);
    expect(said('Locked for 1,000 secrets').slice(1, 3)).toEqual([koffiLocked, sodiumLocked]);
    const [, koffi, sodium] = said('32-byte secrets under 64 KiB');
    expect(cells(small, 'securemem koffi').join()).toContain(`refused after ${koffi}`);
    const text = measured.find((one) => one.startsWith(small));
    expect(text).toContain(`**sodium-native**: the ${Number(sodium) + 1}th secret is returned`);
  });

  it('M1 says what a 64-byte secret costs', (ctx) => {
    expect(page('README.md')).toMatch(/one of 64 bytes takes 72 locked\s+bytes/);
    const room = roomFor(opened(koffiBackend, ctx), 64, 64 * 1024 ** 2);
    expect(Math.round(room.byteLengthEach)).toBe(72);
  });
});

describe('every page', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'docs/ARCHITECTURE.md', 'apps/signer/README.md'];

  const scriptsOf = (manifest: string): string[] =>
    Object.keys((JSON.parse(page(manifest)) as { scripts?: object }).scripts ?? {});

  it.each(pages)('names scripts that are there: %s', (path) => {
    const own = join(path, '../package.json');
    const known = [
      ...scriptsOf('package.json'),
      ...(existsSync(join(ROOT, own)) ? scriptsOf(own) : []),
    ];
    const named = [...page(path).matchAll(/npm run (?:-s )?([a-z:]+)/g)].map(([, name]) => name);
    expect(named.filter((name) => !known.includes(name as string))).toEqual([]);
  });
});

describe('docs/decisions', () => {
  it('has every decision in its list', () => {
    const files = readdirSync(join(ROOT, 'docs/decisions')).filter((name) => /^\d/.test(name));
    const listed = [...page('docs/decisions/README.md').matchAll(/\]\((\d[^)]+)\)/g)];
    expect(listed.map(([, file]) => file).sort()).toEqual(files.sort());
  });
});
