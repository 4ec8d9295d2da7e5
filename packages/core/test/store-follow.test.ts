import { execFileSync } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Secret, SecretStore } from '../src/index.js';
import { contentOf, FILL, open, turn } from './fixture.js';

const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('utf8'));
const value = (store: SecretStore): Promise<string> => store.use('key', plain);

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'securemem-follow-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A file, and what is told of those that follow it. */
function followed(text: string): { file: string; failures: { error: { code?: string } }[] } {
  const file = join(folder(), 'key');
  writeFileSync(file, text);
  const failures: { error: { code?: string } }[] = [];
  const onMessage = (message: unknown): void => void failures.push(message as never);
  subscribe('securemem:follow-failed', onMessage);
  onTestFinished(() => void unsubscribe('securemem:follow-failed', onMessage));
  return { file, failures };
}

describe('E3 store.follow', () => {
  it('E3 the next use after a change sees the new value, and users in flight finish on the old one', async () => {
    const { memory } = open();
    const { file } = followed('first');
    const store = memory.store();
    const following = await store.follow('key', file);
    let finish = (): void => {};
    const inFlight = store.use('key', async (secret) => {
      const before = plain(secret);
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return [before, plain(secret)];
    });
    await vi.waitFor(() => expect(store.stats().inUse).toBe(1));
    writeFileSync(file, 'second');
    expect(await value(store)).toBe('second');
    finish();
    expect(await inFlight).toEqual(['first', 'first']);
    expect([following.active, store.size]).toEqual([true, 1]);
  });

  it('E3 sees a change within one step of the clock of the file system, of the same length, and with its time set back', async () => {
    const { memory } = open();
    const { file } = followed('v0000');
    const store = memory.store();
    await store.follow('key', file);
    for (let i = 1; i <= 200; i++) {
      const text = `v${String(i).padStart(4, '0')}`;
      const { atime, mtime } = statSync(file);
      writeFileSync(file, text);
      utimesSync(file, atime, mtime);
      expect(await value(store)).toBe(text);
    }
  });

  it('E3 follows the link that Kubernetes swaps, and a file that is renamed into its place', async () => {
    const { memory } = open();
    const root = folder();
    const version = (name: string, text: string): void => {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'key'), text);
      symlinkSync(name, join(root, '..data_tmp'));
      renameSync(join(root, '..data_tmp'), join(root, '..data'));
    };
    version('..2026_1', 'one');
    symlinkSync('..data/key', join(root, 'key'));
    const store = memory.store();
    await store.follow('key', pathToFileURL(join(root, 'key')));
    expect(await value(store)).toBe('one');
    version('..2026_2', 'two');
    rmSync(join(root, '..2026_1'), { recursive: true });
    expect(await value(store)).toBe('two');
    writeFileSync(join(root, 'new'), 'three');
    renameSync(join(root, 'new'), join(root, '..data', 'key'));
    expect(await value(store)).toBe('three');
  });

  it('E3 a change is read once for all who use the secret, and a file that stays is only looked at', async () => {
    const { memory, backend } = open();
    const { file } = followed('first');
    const store = memory.store({ hotMax: 0 });
    await store.follow('key', file);
    // Until the last change is older than a step of the clock it is read again.
    await vi.waitFor(async () => {
      const before = backend.calls('seal');
      await value(store);
      expect(backend.calls('seal')).toBe(before);
    });
    const seals = backend.calls('seal');
    await Promise.all(Array.from({ length: 50 }, () => value(store)));
    expect(backend.calls('seal')).toBe(seals);
    writeFileSync(file, 'third!');
    const values = await Promise.all(Array.from({ length: 50 }, () => value(store)));
    expect(new Set(values)).toEqual(new Set(['third!']));
    expect(backend.calls('seal') - seals).toBe(1);
  });

  it('E3 the old value stays, and an event says once why, when the file vanishes, grows, is a pipe or a directory', async () => {
    const { memory } = open();
    const { file, failures } = followed('good');
    const store = memory.store();
    await store.follow('key', file, { byteLengthMax: 100, waitMsMax: 1_000 });
    const bad: [string, string | undefined, () => void][] = [
      ['vanished', 'ENOENT', () => unlinkSync(file)],
      ['empty', 'ERR_SECMEM_INPUT_INVALID', () => writeFileSync(file, '')],
      ['too long', 'ERR_SECMEM_INPUT_INVALID', () => writeFileSync(file, 'x'.repeat(101))],
      ['a terabyte', 'ERR_SECMEM_INPUT_INVALID', () => truncateSync(file, 2 ** 40)],
      [
        'a pipe',
        'ERR_SECMEM_INPUT_INVALID',
        () => {
          unlinkSync(file);
          execFileSync('mkfifo', [file]);
        },
      ],
      [
        'a link that leads nowhere',
        'ENOENT',
        () => {
          unlinkSync(file);
          symlinkSync('nowhere', file);
        },
      ],
      [
        'a directory',
        'ERR_SECMEM_INPUT_INVALID',
        () => {
          unlinkSync(file);
          mkdirSync(file);
        },
      ],
      [
        'a link to itself',
        'ELOOP',
        () => {
          rmSync(file, { recursive: true });
          symlinkSync('key', file);
        },
      ],
    ];
    for (const [what, code, spoil] of bad) {
      failures.length = 0;
      spoil();
      expect([what, await value(store), await value(store)]).toEqual([what, 'good', 'good']);
      expect([what, failures.map(({ error }) => error.code)]).toEqual([what, [code]]);
    }
    unlinkSync(file);
    writeFileSync(file, 'better');
    expect(await value(store)).toBe('better');
    expect(memory.stats().secrets).toBe(store.stats().open);
  });

  it('E3 a lost permission is an event, and its return is noticed', async () => {
    const { memory } = open();
    const { file, failures } = followed('good');
    const store = memory.store();
    await store.follow('key', file);
    writeFileSync(file, 'later');
    chmodSync(file, 0);
    // Root may read everything, so it is somebody else for a moment.
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    const meanwhile = await value(store).finally(() => root && process.seteuid?.(0));
    expect(meanwhile).toBe('good');
    expect(failures).toMatchObject([{ error: { code: 'EACCES' } }]);
    chmodSync(file, 0o600);
    expect(await value(store)).toBe('later');
  });

  it('E3 the first reading rejects, and nothing is followed, set or left', async () => {
    const { memory, kernel, backend } = open();
    const { file } = followed(String.fromCharCode(FILL));
    const store = memory.store({ entriesMax: 1 });
    await expect(store.follow('key', join(file, 'none'))).rejects.toMatchObject({
      code: 'ENOTDIR',
    });
    await expect(store.follow('key', tmpdir())).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
      details: { reason: 'type' },
    });
    await expect(store.follow('key', file, { byteLength: 5 })).rejects.toThrow(/5 bytes/);
    await expect(store.follow(7 as never, file)).rejects.toThrow(TypeError);
    await expect(store.follow('key', 7 as never)).rejects.toThrow(TypeError);
    await expect(store.follow('key', file, { x: 1 } as never)).rejects.toThrow(/unknown/);
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(store.follow('key', file, { signal: aborted })).rejects.toThrow('enough');
    backend.fail('seal');
    await expect(store.follow('key', file)).rejects.toMatchObject({ code: 'ERR_SECMEM_PLATFORM' });
    store.setSync('other', new Uint8Array(new ArrayBuffer(8)));
    await expect(store.follow('key', file)).rejects.toMatchObject({
      code: 'ERR_SECMEM_SECRETS_LIMIT',
    });
    expect([store.has('key'), memory.stats().secrets, contentOf(kernel)]).toEqual([false, 0, 0]);
    store.delete('other');
    await store.follow('key', file);
    store.dispose();
    await expect(store.follow('key', file)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
  });

  it('E3 stops when told, when the name is set or deleted, when another file is followed, and with the store', async () => {
    const { memory } = open();
    const { file } = followed('of the file');
    const store = memory.store();
    const stopped = await store.follow('key', file);
    stopped.stop();
    stopped[Symbol.dispose]();
    writeFileSync(file, 'changed');
    expect([stopped.active, await value(store)]).toEqual([false, 'of the file']);

    const overridden = await store.follow('key', file);
    await store.set('key', Buffer.from('of the program'));
    expect([await value(store), overridden.active]).toEqual(['of the program', false]);

    const deleted = await store.follow('key', file);
    store.delete('key');
    await expect(value(store)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    expect([deleted.active, store.has('key')]).toEqual([false, false]);

    const other = join(folder(), 'other');
    writeFileSync(other, 'of another');
    const first = await store.follow('key', file);
    const second = await store.follow('key', other);
    expect([first.active, second.active, await value(store)]).toEqual([false, true, 'of another']);
    store.dispose();
    expect(second.active).toBe(false);
  });

  it('E3 what is read while the store ends or the name is set comes too late, and is wiped', async () => {
    const { memory, kernel } = open();
    const { file } = followed(Buffer.alloc(64, FILL).toString('latin1'));
    const store = memory.store();
    await store.follow('key', file);
    const filler = memory.allocateSync(40_000);
    writeFileSync(file, Buffer.alloc(30_000, FILL));
    const waiting = store.use('key', () => 'used', { waitMsMax: 60_000 });
    await vi.waitFor(() => expect(memory.stats().admission.waiting).toBe(1));
    await store.set('key', Buffer.from('of the program'));
    filler.dispose();
    expect(await waiting).toBe('used');
    expect(await value(store)).toBe('of the program');
    expect(contentOf(kernel)).toBe(0);
  });

  it('E3 a subscriber of the event may throw, dispose the store and close the allocator', async () => {
    for (const act of ['throw', 'dispose', 'close', 'set'] as const) {
      const { memory } = open();
      const { file } = followed('good');
      const store = memory.store();
      await store.follow('key', file);
      const uncaught: unknown[] = [];
      const onMessage = (): void => {
        if (act === 'throw') throw new Error('of the subscriber');
        if (act === 'dispose') store.dispose();
        if (act === 'close') void memory.close({ waitMsMax: 0 });
        if (act === 'set') store.setSync('key', Buffer.from('set'));
      };
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => uncaught.push(error));
      subscribe('securemem:follow-failed', onMessage);
      unlinkSync(file);
      const outcome = await value(store).catch((error: { code?: string }) => error.code);
      unsubscribe('securemem:follow-failed', onMessage);
      await turn();
      process.removeAllListeners('uncaughtException');
      for (const listener of listeners) process.on('uncaughtException', listener);
      const expected = {
        throw: 'good',
        dispose: 'ERR_SECMEM_DISPOSED',
        close: 'ERR_SECMEM_CLOSED',
        set: 'set',
      }[act];
      expect([act, outcome, uncaught.length]).toEqual([act, expected, act === 'throw' ? 1 : 0]);
    }
  });

  it('E3 useAll sees the change of each, useSync that of a turn before, and other names pay nothing', async () => {
    const { memory } = open();
    const { file } = followed('first');
    const store = memory.store();
    const following = await store.follow('key', file);
    await store.set('other', Buffer.from('other'));
    writeFileSync(file, 'second');
    expect(await store.useAll(['other', 'key'], (secrets) => secrets.map(plain))).toEqual([
      'other',
      'second',
    ]);
    writeFileSync(file, 'third');
    expect(['second', 'third']).toContain(store.useSync('key', plain));
    await vi.waitFor(() => expect(store.useSync('key', plain)).toBe('third'));
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(store.use('key', plain, { signal: aborted })).rejects.toThrow('enough');
    following.stop();
  });

  it('E3 a place that is not to be had is an event, and is asked for again by the next use', async () => {
    const { memory } = open();
    const { file, failures } = followed('good');
    const store = memory.store();
    await store.follow('key', file, { waitMsMax: 0 });
    expect(await value(store)).toBe('good');
    const filler = memory.allocateSync(40_000);
    writeFileSync(file, 'x'.repeat(30_000));
    expect(await value(store)).toBe('good');
    expect(failures).toMatchObject([{ error: { code: 'ERR_SECMEM_WAIT_TIMEOUT' } }]);
    filler.dispose();
    expect((await value(store)).length).toBe(30_000);
  });
});
