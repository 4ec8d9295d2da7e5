import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { uncheckedSources } from '../src/type-checked.mjs';

function unchecked(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'securemem-types-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return uncheckedSources(root, Object.keys(files)).map((line) => line.split(':')[0] as string);
}

const SOURCES = {
  'a/src/one.ts': '',
  'a/src/two.mts': '',
  'a/src/three.mjs': '',
  'a/dist/built.mjs': '',
  'a/tool.config.ts': '',
  'a/README.md': '',
};

it('uncheckedSources() finds each source that no tsconfig takes in, and leaves dist alone', () => {
  const all = ['a/src/one.ts', 'a/src/two.mts', 'a/src/three.mjs', 'a/tool.config.ts'];
  expect(unchecked(SOURCES)).toEqual(all);
  expect(unchecked({ ...SOURCES, 'a/tsconfig.json': '{"include":["src"]}' })).toEqual([
    'a/src/three.mjs',
    'a/tool.config.ts',
  ]);
});

it('uncheckedSources() takes JavaScript for checked only where it is', () => {
  const config = (options: object) => ({
    ...SOURCES,
    'a/tsconfig.json': JSON.stringify({ compilerOptions: options, include: ['src', '*.ts'] }),
  });
  expect(unchecked(config({ allowJs: true }))).toEqual(['a/src/three.mjs']);
  expect(unchecked(config({ allowJs: true, checkJs: true }))).toEqual([]);
});
