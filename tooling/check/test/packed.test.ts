import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { budgetProblems, budgets } from '../src/budget.mjs';
import { insideShown } from '../src/declarations.mjs';
import { licenceProblems } from '../src/licences.mjs';
import { manifestProblems } from '../src/manifest.mjs';
import { filesOf, freshFiles } from '../src/tarball.mjs';

const homes: string[] = [];
afterEach(() => {
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
});

/** A directory with these files. */
function homeWith(files: Record<string, string>): string {
  const home = mkdtempSync(join(tmpdir(), 'securemem-check-'));
  homes.push(home);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), content);
  }
  return home;
}

const packed = (files: Record<string, string>): Map<string, Buffer> =>
  new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));

const manifest = (more: object): string => JSON.stringify({ name: '@securemem/koffi', ...more });
const table = (...rows: string[]): string =>
  ['| what | licence | how |', '|---|---|---|', ...rows].join('\n');

/** Two dependencies, one of which has one of its own, and two of ours. */
const DEPENDENT = manifest({
  dependencies: { one: '1.0.0', '@securemem/core': '0.1.0', securemem: '0.1.0' },
  optionalDependencies: { '@many/linux': '1.0.0', '@many/elsewhere': '1.0.0' },
});
const INSTALLED = {
  'package.json': DEPENDENT,
  'node_modules/one/package.json': '{ "license": "MIT", "dependencies": { "two": "1.0.0" } }',
  'node_modules/two/package.json': '{ "license": "ISC" }',
  'node_modules/@many/linux/package.json': '{ "license": "MIT" }',
};

describe('licences', () => {
  it('are stated for what is installed along, all the way down, and for what was copied in', () => {
    const notices = table('| `one` | MIT | a |', '| two | ISC | b |', '| `@many/*` | MIT | c |');
    const files = {
      'package.json': DEPENDENT,
      LICENSE: 'MIT',
      'THIRD-PARTY-NOTICES.md': `${notices}\n| Three 0.6 | MIT | in \`native/vendor/three\` |`,
      'native/vendor/three/LICENSE.txt': 'MIT',
      'native/vendor/three/three.c': '',
    };
    expect(licenceProblems(packed(files), homeWith(INSTALLED))).toEqual([]);
  });

  it('that are missing or wrong are each a problem', () => {
    const files = {
      'package.json': DEPENDENT,
      'THIRD-PARTY-NOTICES.md': table('| `one` | BSD-3-Clause | a |', '| `@many/*` | MIT | c |'),
      'native/vendor/three/three.c': '',
    };
    expect(licenceProblems(packed(files), homeWith(INSTALLED))).toEqual([
      '@securemem/koffi ships no LICENSE',
      '@securemem/koffi: one is under MIT, and THIRD-PARTY-NOTICES.md says BSD-3-Clause',
      '@securemem/koffi: THIRD-PARTY-NOTICES.md does not list two',
      '@securemem/koffi: THIRD-PARTY-NOTICES.md does not list native/vendor/three',
      '@securemem/koffi: native/vendor/three has no text of its licence',
    ]);
  });

  it('need no list where there is nothing of others', () => {
    const files = { 'package.json': manifest({}), LICENSE: 'MIT' };
    expect(licenceProblems(packed(files), homeWith({ 'package.json': manifest({}) }))).toEqual([]);
  });
});

describe('the size', () => {
  const entry = {
    main: './dist/index.cjs',
    exports: './dist/index.js',
    types: './dist/index.d.ts',
  };
  const built = {
    'package.json': manifest(entry),
    'README.md': 'read',
    'dist/index.js': `import { a } from "./chunk-NEW.js"; import("./late-NEW.js");`,
    'dist/index.js.map': '{}',
    'dist/index.cjs': `require('./chunk-NEW.cjs')`,
    'dist/index.d.ts': `export * from './types-NEW.js';`,
    'dist/types-NEW.d.ts': '',
    'dist/chunk-NEW.js': '',
    'dist/chunk-NEW.cjs': '',
    'dist/late-NEW.js': '',
  };

  it('is that of a fresh build: what earlier ones left behind does not count', () => {
    const files = packed({ ...built, 'dist/chunk-OLD.js': '', 'dist/chunk-OLD.js.map': '' });
    expect([...freshFiles(files).keys()].sort()).toEqual(Object.keys(built).sort());
  });

  it('is a problem one byte past its budget, and not at it', () => {
    const { unpackedKib } = budgets['@securemem/koffi'] ?? { unpackedKib: 0 };
    const rest = Object.values(built).join('').length;
    const at = (byteLength: number) => packed({ ...built, 'README.md': ' '.repeat(byteLength) });
    const room = unpackedKib * 1024 - rest + 'read'.length;
    expect(budgetProblems(at(room))).toEqual([]);
    expect(budgetProblems(at(room + 1))).toEqual([
      `@securemem/koffi is ${unpackedKib + 1} KiB unpacked, and may be ${unpackedKib} KiB`,
    ]);
    const unknown = packed({ 'package.json': '{ "name": "@securemem/new" }' });
    expect(budgetProblems(unknown)).toEqual(['@securemem/new has no size budget']);
  });
});

describe('a manifest', () => {
  const entry = { types: './a.d.ts', default: './a.js' };
  const good = {
    name: '@securemem/koffi',
    description: 'd',
    license: 'MIT',
    repository: { url: 'u', directory: 'd' },
    engines: { node: '>=20' },
    sideEffects: false,
    homepage: 'h',
    bugs: 'b',
    publishConfig: { access: 'public' },
    exports: { '.': { import: entry, require: entry }, './package.json': './package.json' },
    dependencies: { koffi: '3.3.4' },
  };
  const problems = (more: object): string[] => manifestProblems({ ...good, ...more }, '>=20');

  it('that says all it has to is well', () => {
    expect(problems({})).toEqual([]);
  });

  it.each([
    [{ license: 'ISC' }, 'license is not MIT'],
    [{ description: '' }, 'description is missing'],
    [{ repository: { url: 'u' } }, 'repository has no url or no directory'],
    [{ engines: { node: '>=18' } }, 'engines.node is not >=20'],
    [{ sideEffects: undefined }, 'sideEffects is not false'],
    [{ homepage: undefined }, 'homepage or bugs is missing'],
    [{ publishConfig: {} }, 'publishConfig.access is not public'],
    [
      { publishConfig: { access: 'public', provenance: true } },
      'publishConfig.provenance would make the first publish, which is by hand, fail',
    ],
    [{ scripts: { build: 'b', install: 'i', prepare: 'p' } }, 'runs at install: install, prepare'],
    [{ dependencies: { a: 'workspace:^' } }, 'is not published: a@workspace:^'],
    [
      { exports: { ...good.exports, '.': { import: entry } } },
      'the main entry has no CommonJS with types',
    ],
    [
      { exports: { ...good.exports, '.': { import: './a.js', require: entry } } },
      'the main entry has no ES module with types',
    ],
    [{ exports: { '.': good.exports['.'] } }, './package.json is not exported'],
  ])('%j is told', (more, problem) => {
    expect(problems(more)).toEqual([`@securemem/koffi: ${problem}`]);
  });
});

describe('a declaration', () => {
  const declaring = (text: string) =>
    packed({
      'package.json': manifest({ types: './dist/index.d.ts' }),
      'dist/index.d.ts': text,
      'dist/left-behind.d.ts': 'declare class Old {}',
    });

  it('N36 that shows a class which nobody can import is a problem', () => {
    const text = 'declare class Budget {}\nabstract class Base {}\nexport { Base as B };\n';
    expect(insideShown(declaring(text))).toEqual([
      '@securemem/koffi: dist/index.d.ts shows the class Budget, which nobody can import',
    ]);
  });

  it('N36 is well when each of its classes can be imported, as a type or under another name', () => {
    const text =
      'declare abstract class A {}\ndeclare class B {}\ndeclare class C {}\nexport { A, B as Other, type C };\n';
    expect(insideShown(declaring(text))).toEqual([]);
    const elsewhere = "declare class D {}\nexport { D } from './other.js';\n";
    expect(insideShown(declaring(elsewhere))).toHaveLength(1);
  });
});

describe('a tarball', () => {
  it('is read file by file, long paths and binary content included', () => {
    const long = `${'deep/'.repeat(12)}${'n'.repeat(60)}.txt`;
    const home = homeWith({ 'package/a.txt': 'a', [`package/${long}`]: 'long' });
    writeFileSync(
      join(home, 'package/binary'),
      Uint8Array.from({ length: 1_500 }, (_, i) => i),
    );
    const args = ['--format=ustar', '-czf', 'made.tgz', 'package'];
    expect(spawnSync('tar', args, { cwd: home }).status).toBe(0);
    const files = filesOf(readFileSync(join(home, 'made.tgz')));
    expect([...files.keys()].sort()).toEqual(['a.txt', 'binary', long].sort());
    expect(String(files.get(long))).toBe('long');
    expect([...(files.get('binary') ?? [])].slice(254, 258)).toEqual([254, 255, 0, 1]);
  });
});
