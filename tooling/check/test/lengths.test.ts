import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { tooLong } from '../src/lengths.mjs';

const lines = (count: number): string => '\n'.repeat(count);

const FILES: Readonly<Record<string, string>> = {
  'packages/a/src/short.ts': lines(300),
  'packages/a/src/long.ts': lines(301),
  'packages/a/native/long.cc': lines(301),
  'packages/a/native/vendor/theirs.c': lines(9_000),
  'packages/a/test/table.test.ts': lines(9_000),
};

function problems(reasons: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'securemem-lengths-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return tooLong(root, Object.keys(FILES), reasons);
}

it('tooLong() names each source of ours over 300 lines, and no test and nothing of others', () => {
  expect(problems({})).toEqual([
    'packages/a/src/long.ts has 301 lines, more than 300: split it, or say why not',
    'packages/a/native/long.cc has 301 lines, more than 300: split it, or say why not',
  ]);
});

it('tooLong() takes a reason, and names one that nothing needs', () => {
  const reasons = { 'packages/a/src/long.ts': 'x', 'packages/a/native/long.cc': 'x' };
  expect(problems(reasons)).toEqual([]);
  expect(problems({ ...reasons, 'packages/a/src/short.ts': 'x' })).toEqual([
    'packages/a/src/short.ts needs no reason to be long any more',
  ]);
});
