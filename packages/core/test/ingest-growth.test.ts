import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type FixtureOptions, open } from './fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'secmem-growth-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A descriptor from which all of `content` can be read, and then its end. A pipe holds 65,536 bytes. */
function pipeWith(content: string): number {
  const path = join(mkdtempSync(join(directory, 'pipe-')), 'pipe');
  execFileSync('mkfifo', [path]);
  const writer = openSync(path, 'r+');
  const reader = openSync(path, 'r');
  writeSync(writer, content);
  closeSync(writer);
  onTestFinished(() => closeSync(reader));
  return reader;
}

/** Nobody else has anything, so whoever waits here waits for itself; that shows after this time. */
const waitMsMax = 1_000;

describe('fromFd under a lock limit of 64 KiB', () => {
  beforeEach((ctx) => {
    ctx.skip(process.platform !== 'linux', 'not proven: this uses named pipes of Linux');
  });

  it.each([
    ['', { byteLength: 40_000 }],
    ['\n', { byteLength: 40_000, trimNewline: true }],
    ['\r\n', { byteLength: 40_000, trimNewline: true }],
    ['', { byteLength: 65_536 }],
  ])(
    'A4 reads a pipe whose length it was told into one place of that length (%j, %j)',
    async (end, options) => {
      const { memory } = open();
      const fd = pipeWith('x'.repeat(options.byteLength) + end);
      const secret = await memory.fromFd(fd, { ...options, waitMsMax });
      expect(secret.byteLength).toBe(options.byteLength);
      expect(secret.read((bytes) => bytes.every((byte) => byte === 0x78))).toBe(true);
      expect(memory.stats()).toMatchObject({ secrets: 1, admission: { waits: 0 } });
    },
  );

  it.each<[string, number, FixtureOptions]>([
    ['needs more beside what it has than there can be', 33_000, {}],
    ['needs a second secret where there may be one', 2_000, { budget: { secretsMax: 1 } }],
  ])('A4 refuses a pipe at once that %s, and says what to do', async (_, byteLength, options) => {
    const { memory } = open(options);
    const reading = memory.fromFd(pipeWith('x'.repeat(byteLength)), { waitMsMax });
    const error = await reading.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_SECMEM_TOO_LARGE', operation: 'fromFd' });
    expect((error as Error).message).toContain('byteLength');
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waits: 0 } });
  });

  it('A4 still waits where others have what it needs', async () => {
    const { memory } = open();
    const other = memory.allocateSync(32_000);
    const reading = memory.fromFd(pipeWith('x'.repeat(20_000)));
    await expect.poll(() => memory.stats().admission.waiting, { timeout: 20_000 }).toBe(1);
    other.dispose();
    expect((await reading).byteLength).toBe(20_000);
  });
});
