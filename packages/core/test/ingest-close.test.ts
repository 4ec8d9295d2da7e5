import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { open, turn } from './fixture.js';

type Done = (error: Error | null) => void;

/** What stands between the close of a file and the news of it. */
const closing = vi.hoisted(() => ({ end: (done: Done, error: Error | null) => done(error) }));

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const close = (fd: number, done: Done) => fs.close(fd, (error) => closing.end(done, error));
  return { ...fs, close };
});

const directory = mkdtempSync(join(tmpdir(), 'secmem-close-'));
const path = join(directory, 'key');
writeFileSync(path, 'abc');
afterAll(() => rmSync(directory, { recursive: true }));
beforeEach(() => {
  closing.end = (done, error) => done(error);
});

/** Runs `fn` when so many microtasks have run, one after the other. */
async function after(microtasks: number, fn: () => void): Promise<void> {
  for (let n = 0; n < microtasks; n++) await undefined;
  fn();
}

describe('fromFile, while it closes the file', () => {
  it('G2 gives the secret or leaves nothing, at whichever step its signal aborts', async () => {
    const { memory } = open();
    const reason = new Error('enough');
    const outcomes = new Set<unknown>();
    for (let microtasks = 0; microtasks < 20; microtasks++) {
      const abort = new AbortController();
      closing.end = (done, error) => {
        done(error);
        void after(microtasks, () => abort.abort(reason));
      };
      const reading = memory.fromFile(path, { signal: abort.signal });
      const outcome = await reading.catch((error: unknown) => error);
      expect(memory.stats().secrets).toBe(outcome === reason ? 0 : 1);
      memory.purge();
      outcomes.add(outcome === reason ? 'aborted' : 'read');
    }
    // The steps reach from before the last one to after it.
    expect(outcomes).toEqual(new Set(['aborted', 'read']));
  });

  it('G2 leaves nothing when its signal aborts before the file is closed', async () => {
    const { memory } = open();
    const abort = new AbortController();
    let closed = (): void => {};
    closing.end = (done, error) => {
      closed = () => done(error);
      abort.abort('enough');
    };
    await expect(memory.fromFile(path, { signal: abort.signal })).rejects.toBe('enough');
    closed();
    await turn();
    expect(memory.stats().secrets).toBe(0);
  });

  it('A9 rejects with the error of the system when that fails, and leaves nothing', async () => {
    const { memory } = open();
    closing.end = (done) => done(Object.assign(new Error('planned'), { code: 'EIO' }));
    await expect(memory.fromFile(path)).rejects.toMatchObject({ code: 'EIO' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('G3 tells what was wrong with the input, not what was wrong with the close', async () => {
    const { memory } = open();
    closing.end = (done) => done(Object.assign(new Error('planned'), { code: 'EIO' }));
    const refused = { code: 'ERR_SECMEM_INPUT_INVALID' };
    await expect(memory.fromFile(path, { byteLength: 2 })).rejects.toMatchObject(refused);
    await expect(memory.fromFile(path, { byteLengthMax: 2 })).rejects.toMatchObject(refused);
    expect(memory.stats().secrets).toBe(0);
  });

  it('G3 tells the abort, and what could not be wiped after it as an event', async () => {
    const { memory, backend } = open({ capabilities: { views: 'none' } });
    const abort = new AbortController();
    closing.end = (done, error) => {
      abort.abort('enough');
      backend.fail('wipe');
      done(error);
    };
    await expect(memory.fromFile(path, { signal: abort.signal })).rejects.toBe('enough');
    await turn();
    expect(memory.stats().events['release-failed']).toBe(1);
  });
});
