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
}));

vi.mock('../src/store/file-version.js', async (original) => {
  const { versionOf } = await original<typeof import('../src/store/file-version.js')>();
  return {
    versionOf: async (path: string) => {
      const look = ++steps.looks;
      steps.before.get(look)?.();
      const version = await versionOf(path);
      steps.after.get(look)?.();
      return version;
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
