import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { fakeBackend } from '../src/testing/index.js';
import { contentOf, FILL, open } from './fixture.js';

const NAME = 'APP_KEY';
const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('utf8'));

/** What is told of credentials while the test runs. */
function told(): object[] {
  const messages: object[] = [];
  const onMessage = (message: unknown): void => void messages.push(message as object);
  subscribe('securemem:credential-found', onMessage);
  onTestFinished(() => void unsubscribe('securemem:credential-found', onMessage));
  return messages;
}

describe('E1 fromEnvironment', () => {
  beforeEach(() => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
    vi.stubEnv(`${NAME}_FILE`, undefined);
    return () => void vi.unstubAllEnvs();
  });

  it('E1 moves the variable into a page: it is not set any more, and its bytes are zero', async () => {
    const { memory, kernel } = open();
    const messages = told();
    kernel.environment.set(NAME, 'a secret', 'a second of the name');
    const [first] = [...kernel.environment.all()];
    const secret = await memory.fromEnvironment(NAME);
    expect(plain(secret)).toBe('a secret');
    expect(first?.every((byte) => byte === 0)).toBe(true);
    expect([...kernel.environment.all()]).toEqual([]);
    expect(messages).toMatchObject([{ name: NAME, from: 'variable', path: undefined, left: [] }]);
    await expect(memory.fromEnvironment(NAME)).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
      details: { reason: 'missing' },
    });
  });

  it('E1 takes a file where there is one, leaves the variable alone, and says that it is left', async () => {
    const { memory, kernel } = open();
    const messages = told();
    const folder = mkdtempSync(join(tmpdir(), 'securemem-environment-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'key'), 'of the file');
    vi.stubEnv(`${NAME}_FILE`, join(folder, 'key'));
    vi.stubEnv(NAME, 'of the variable');
    kernel.environment.set(NAME, 'of the variable');
    expect(plain(await memory.fromEnvironment(NAME))).toBe('of the file');
    expect(kernel.environment.first(NAME)).toBeDefined();
    const path = join(folder, 'key');
    expect(messages).toMatchObject([{ name: NAME, from: 'file', path, left: ['variable'] }]);
    vi.stubEnv(`${NAME}_FILE`, join(folder, 'none'));
    await expect(memory.fromEnvironment(NAME)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(kernel.environment.first(NAME)).toBeDefined();
  });

  it('E1 says that the program sees the variable still, and that the first block was not found', async () => {
    const { memory, kernel, backend } = open();
    const messages = told();
    vi.stubEnv(NAME, 'a copy in an object of the program');
    kernel.environment.set(NAME, 'a secret');
    const { takeEnvironment } = backend;
    backend.takeEnvironment = (...args) => ({
      ...takeEnvironment.apply(backend, args),
      startBlock: 'unknown',
    });
    await memory.fromEnvironment(NAME);
    expect(messages).toMatchObject([{ left: ['start-block', 'process.env'] }]);
  });

  it('E1 refuses a variable that is empty or of a wrong length, and leaves it as it was', async () => {
    const { memory, kernel } = open();
    for (const [value, options, reason] of [
      ['', {}, 'empty'],
      ['x'.repeat(65_537), {}, 'length'],
      ['12345', { byteLengthMax: 4 }, 'length'],
      ['12345', { byteLength: 4 }, 'length'],
      ['12345', { byteLength: 6, trimNewline: true }, 'length'],
      ['1234567', { byteLength: 4, trimNewline: true }, 'length'],
    ] as const) {
      kernel.environment.set(NAME, value);
      await expect(memory.fromEnvironment(NAME, options)).rejects.toMatchObject({
        code: 'ERR_SECMEM_INPUT_INVALID',
        operation: 'fromEnvironment',
        details: { reason },
      });
      expect(kernel.environment.first(NAME)?.length).toBe(value.length);
    }
    expect(memory.stats().secrets).toBe(0);
  });

  it('E1 trims a newline, and takes what is as long as it may be', async () => {
    const { memory, kernel } = open();
    kernel.environment.set(NAME, '1234\r\n');
    expect(plain(await memory.fromEnvironment(NAME, { byteLength: 4, trimNewline: true }))).toBe(
      '1234',
    );
    kernel.environment.set(NAME, '1234\n');
    expect(plain(await memory.fromEnvironment(NAME))).toBe('1234\n');
    kernel.environment.set(NAME, 'y'.repeat(65_536));
    const large = { ...open({ kernel: { lockLimit: { kind: 'unlimited' } } }) };
    large.kernel.environment.set(NAME, 'y'.repeat(65_536));
    expect((await large.memory.fromEnvironment(NAME)).byteLength).toBe(65_536);
    const bytes = Uint8Array.of(0xff, 0xc3, 0x28, 0x80);
    kernel.environment.set(NAME, bytes);
    const secret = await memory.fromEnvironment(NAME);
    expect(secret.equals(bytes)).toBe(true);
  });

  it('E1 of two callers one gets it; who finds it changed after a wait is told so', async () => {
    const { memory, kernel } = open();
    kernel.environment.set(NAME, 'once');
    const both = await Promise.allSettled([
      memory.fromEnvironment(NAME),
      memory.fromEnvironment(NAME),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);

    const [filler] = await memory.allocateAll([40_000]);
    kernel.environment.set(NAME, 'z'.repeat(30_000));
    const waiting = memory.fromEnvironment(NAME);
    await vi.waitFor(() => expect(memory.stats().admission.waiting).toBe(1));
    kernel.environment.set(NAME, 'shorter');
    filler?.dispose();
    await expect(waiting).rejects.toMatchObject({ details: { reason: 'changed' } });
    expect(Buffer.from(kernel.environment.first(NAME) ?? []).toString()).toBe('shorter');
    expect(memory.stats().secrets).toBe(1);
  });

  it('E1 refuses where no backend can erase it: on the fallback, in ordinary memory; the variable stays', async () => {
    const without = open({ capabilities: { environment: 'none' } });
    vi.stubEnv(NAME, 'a secret');
    await expect(without.memory.fromEnvironment(NAME)).rejects.toMatchObject({
      code: 'ERR_SECMEM_NOT_SUPPORTED',
      details: { remedy: expect.stringContaining('main thread') },
    });
    expect(process.env[NAME]).toBe('a secret');
    vi.stubEnv(NAME, undefined);
    await expect(without.memory.fromEnvironment(NAME)).rejects.toMatchObject({
      details: { reason: 'missing' },
    });

    const fallback = fakeBackend({ name: 'second', capabilities: { environment: 'none' } });
    const full = open({ fallback, onCapacity: 'fallback' });
    full.kernel.environment.set(NAME, 'a secret');
    full.kernel.denyLocking(true);
    await expect(full.memory.fromEnvironment(NAME)).rejects.toMatchObject({
      code: 'ERR_SECMEM_NOT_SUPPORTED',
      backend: 'second',
    });
    expect(full.kernel.environment.first(NAME)?.length).toBe(8);
    expect([full.memory.stats().secrets, without.memory.stats().secrets]).toEqual([0, 0]);
  });

  it('E1 leaves nothing in a page when the backend fails, and hears of an abort', async () => {
    const { memory, kernel, backend } = open();
    kernel.environment.set(
      NAME,
      Uint8Array.from({ length: 40 }, () => FILL),
    );
    for (const operation of ['environmentByteLength', 'takeEnvironment'] as const) {
      for (const on of operation === 'takeEnvironment' ? [1] : [1, 2]) {
        backend.fail(operation, { on });
        await expect(memory.fromEnvironment(NAME)).rejects.toMatchObject({
          code: 'ERR_SECMEM_PLATFORM',
        });
        backend.heal();
      }
    }
    const aborted = AbortSignal.abort(new Error('enough'));
    await expect(memory.fromEnvironment(NAME, { signal: aborted })).rejects.toThrow('enough');
    expect([memory.stats().secrets, contentOf(kernel)]).toEqual([0, 0]);
    expect(kernel.environment.first(NAME)?.length).toBe(40);
  });

  it('E1 belongs to the phase that asks, and ends with it', async () => {
    const { memory, kernel } = open();
    kernel.environment.set(NAME, 'a secret');
    const secret = await memory.phase((phase) => phase.fromEnvironment(NAME));
    expect(secret.disposed).toBe(true);
    await memory.close();
    await expect(memory.fromEnvironment(NAME)).rejects.toMatchObject({ code: 'ERR_SECMEM_CLOSED' });
  });

  it('E1 refuses names that could be paths, and options that it does not know', async () => {
    const { memory } = open();
    const names = ['', '.', '..', 'a/b', 'A=B', 'a\0', 'Ä', 'x'.repeat(201), 7, null];
    for (const name of names) {
      await expect(memory.fromEnvironment(name as never)).rejects.toThrow(TypeError);
    }
    await expect(memory.fromEnvironment(NAME, { x: 1 } as never)).rejects.toThrow(/unknown/);
    await expect(memory.fromEnvironment(NAME, { byteLength: 0 })).rejects.toThrow(RangeError);
  });
});
