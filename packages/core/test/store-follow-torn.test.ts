import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { open } from './fixture.js';

/** What happens just before and just after the file is looked at, by the number of the look. */
const steps = vi.hoisted(() => ({
  looks: 0,
  before: new Map<number, () => void>(),
  after: new Map<number, () => void>(),
  /** A file system whose clock stands still says the same of every version. */
  still: undefined as { id: string; settled: boolean } | undefined,
}));

vi.mock('../src/store/file-version.js', async (original) => {
  const { versionOf } = await original<typeof import('../src/store/file-version.js')>();
  return {
    versionOf: async (path: string) => {
      const look = ++steps.looks;
      steps.before.get(look)?.();
      const version = await versionOf(path);
      steps.after.get(look)?.();
      return steps.still ?? version;
    },
  };
});

const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('utf8'));

function fileOf(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-torn-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'key'), text);
  steps.looks = 0;
  steps.before.clear();
  steps.after.clear();
  steps.still = undefined;
  return join(folder, 'key');
}

it('E3 a file that is being written is read again until it was the same before and after', async () => {
  const { memory } = open();
  const file = fileOf('old value');
  // The first look belongs to the reading; the writer has half of the file out while it is read, and ends before the second.
  steps.after.set(1, () => writeFileSync(file, 'new v'));
  steps.before.set(2, () => writeFileSync(file, 'new value'));
  const store = memory.store();
  // Stopped, so that no later look mends it.
  (await store.follow('key', file)).stop();
  expect(await store.use('key', plain)).toBe('new value');
  expect(memory.stats().secrets).toBe(store.stats().open);
});

it('E3 a file that never rests changes nothing, and is read again by the next use', async () => {
  const { memory } = open();
  const file = fileOf('old value');
  const store = memory.store();
  await store.follow('key', file);
  writeFileSync(file, 'v');
  const first = steps.looks;
  for (let look = first + 2; look < first + 20; look++) {
    steps.after.set(look, () => writeFileSync(file, 'v'.repeat(look)));
  }
  expect(await store.use('key', plain)).toBe('old value');
  expect(memory.stats().events['follow-failed']).toBe(1);
  steps.after.clear();
  writeFileSync(file, 'at rest');
  expect(await store.use('key', plain)).toBe('at rest');
  await expect(store.follow('other', join(file, 'none'))).rejects.toThrow();
});

it('E3 a file that was written a moment ago may change without looking changed, so it is read again', async () => {
  const { memory } = open();
  const file = fileOf('one');
  const store = memory.store();
  steps.still = { id: 'the same', settled: false };
  await store.follow('key', file);
  writeFileSync(file, 'two');
  expect(await store.use('key', plain)).toBe('two');
  // The control: once that is long ago, what does not look changed is not read.
  steps.still = { id: 'the same', settled: true };
  expect(await store.use('key', plain)).toBe('two');
  writeFileSync(file, 'six');
  expect(await store.use('key', plain)).toBe('two');
});
