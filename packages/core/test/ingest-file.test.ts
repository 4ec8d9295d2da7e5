import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import type { IngestOptions, Secret } from '../src/index.js';
import { open, sleep } from './fixture.js';

const directory = mkdtempSync(join(tmpdir(), 'secmem-ingest-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Named pipes and `/proc` are of Linux here; elsewhere these tests show nothing. */
const needsLinux = (ctx: TestContext): void =>
  ctx.skip(process.platform !== 'linux', 'not proven: this uses named pipes of Linux');

let files = 0;
const file = (content: string | Uint8Array): string => {
  const path = join(directory, `file-${files++}`);
  writeFileSync(path, content);
  return path;
};
const pipe = (): string => {
  const path = join(directory, `pipe-${files++}`);
  execFileSync('mkfifo', [path]);
  return path;
};
const text = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('latin1'));

const MEMORIES = [
  ['views', 'revocable', 'accessible'],
  ['copies', 'none', 'accessible'],
  ['pages closed at rest', 'revocable', 'no-access'],
] as const;

describe.each(MEMORIES)('fromFile into %s', (_, views, atRest) => {
  const opened = () => open({ capabilities: { views }, atRest });

  it('reads files of every length around the sizes of its places', async () => {
    const { memory } = opened();
    for (const length of [1, 2, 31, 32, 1023, 1024, 1025, 2048, 2049, 4096, 4097, 20_000]) {
      const content = 'x'.repeat(length - 1).concat('y');
      const secret = await memory.fromFile(file(content));
      expect(secret.byteLength).toBe(length);
      expect(text(secret)).toBe(content);
      secret.dispose();
    }
    expect(memory.stats().secrets).toBe(0);
  });

  it('N27 says of a length that is too much that a newline counts', async () => {
    const { memory } = opened();
    const of = (content: string, more: IngestOptions = {}) =>
      memory.fromFile(file(content), { byteLength: 8, ...more });
    const hint = '; a newline at its end counts, unless trimNewline is true';
    await expect(of('12345678\n')).rejects.toThrow(`longer than 8 bytes${hint}`);
    await expect(of('12345678\n', { byteLengthMax: 64 })).rejects.toThrow(
      `not 8 bytes long${hint}`,
    );
    // Where it cannot be that, nothing is said of it.
    await expect(of('1234567')).rejects.toThrow(/not 8 bytes long$/);
    await expect(of('123456789', { trimNewline: true })).rejects.toThrow(
      /longer than 8 bytes$|not 8 bytes long$/,
    );
    expect(memory.stats().secrets).toBe(0);
  });

  it.each<[string, string, IngestOptions, string]>([
    ['nothing unless told', 'abc\n', {}, 'abc\n'],
    ['one line feed', 'abc\n', { trimNewline: true }, 'abc'],
    ['carriage return and line feed as one', 'abc\r\n', { trimNewline: true }, 'abc'],
    ['one newline of two', 'abc\n\n', { trimNewline: true }, 'abc\n'],
    ['no carriage return alone', 'abc\r', { trimNewline: true }, 'abc\r'],
    ['nothing where there is none', 'abc', { trimNewline: true }, 'abc'],
    ['before it looks at the length', 'abc\r\n', { trimNewline: true, byteLength: 3 }, 'abc'],
    ['before it looks at the maximum', 'abc\r\n', { trimNewline: true, byteLengthMax: 3 }, 'abc'],
  ])('trims %s', async (_, content, options, expected) => {
    const { memory } = opened();
    expect(text(await memory.fromFile(file(content), options))).toBe(expected);
  });

  it.each<[string, string, IngestOptions]>([
    ['an empty file', '', {}],
    ['a file with a newline only', '\n', { trimNewline: true }],
    ['a file that is one byte too long', 'abcd', { byteLengthMax: 3 }],
    [
      'a file that is too long without its newline',
      'abcd\n',
      { byteLengthMax: 3, trimNewline: true },
    ],
    ['another length than asked for', 'abc', { byteLength: 4 }],
    ['a longer one than asked for', 'abcde', { byteLength: 4 }],
    ['more than the default maximum', 'x'.repeat(65_537), {}],
  ])('refuses %s, and nothing is left', async (_, content, options) => {
    const { memory } = opened();
    const error = await memory.fromFile(file(content), options).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'ERR_SECMEM_INPUT_INVALID', operation: 'fromFile' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('rejects with the error of the system for what cannot be opened or read', async () => {
    const { memory } = opened();
    const missing = memory.fromFile(join(directory, 'missing'));
    await expect(missing).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(memory.fromFile(directory)).rejects.toMatchObject({ code: 'EISDIR' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('reads files of the kernel, which do not tell their length', async (ctx) => {
    needsLinux(ctx);
    const { memory } = opened();
    const secret = await memory.fromFile('/proc/self/status');
    expect(text(secret)).toContain('VmLck:');
  });

  it('waits for somebody to write to a named pipe, and reads it to its end', async (ctx) => {
    needsLinux(ctx);
    const { memory } = opened();
    const path = pipe();
    const reading = memory.fromFile(path);
    await sleep(30);
    const fd = openSync(path, 'w');
    writeSync(fd, 'first');
    await sleep(30);
    writeSync(fd, 'second');
    closeSync(fd);
    expect(text(await reading)).toBe('firstsecond');
  });

  it('gives up on a named pipe to which nobody writes, and holds nothing then', async (ctx) => {
    needsLinux(ctx);
    const { memory } = opened();
    await expect(memory.fromFile(pipe(), { waitMsMax: 30 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
    });
    expect(memory.stats().secrets).toBe(0);
  });

  it('ends with the reason of its signal, before and while it reads', async (ctx) => {
    needsLinux(ctx);
    const { memory } = opened();
    const reason = new Error('enough');
    const early = memory.fromFile(file('abc'), { signal: AbortSignal.abort(reason) });
    await expect(early).rejects.toBe(reason);
    const abort = new AbortController();
    const reading = memory.fromFile(pipe(), { signal: abort.signal });
    setTimeout(() => abort.abort(reason), 20);
    await expect(reading).rejects.toBe(reason);
    await sleep(30);
    expect(memory.stats().secrets).toBe(0);
  });

  it('checks its arguments before anything is opened', async () => {
    const { memory } = opened();
    await expect(memory.fromFile(7 as never)).rejects.toThrow(TypeError);
    await expect(memory.fromFile('/', { byteLengthMax: 0 })).rejects.toThrow(RangeError);
    await expect(memory.fromFile('/', { byteLength: -1 })).rejects.toThrow(RangeError);
    await expect(memory.fromFile('/', { trimNewline: 'yes' as never })).rejects.toThrow(TypeError);
    await expect(memory.fromFd(-1)).rejects.toThrow(RangeError);
  });
});

describe.each(MEMORIES)('fromFd into %s', (_, views, atRest) => {
  const opened = () => open({ capabilities: { views }, atRest });

  it('reads a descriptor from where it stands, and leaves it open', async () => {
    const { memory } = opened();
    const fd = openSync(file('abc'), 'r');
    expect(text(await memory.fromFd(fd))).toBe('abc');
    await expect(memory.fromFd(fd)).rejects.toMatchObject({ code: 'ERR_SECMEM_INPUT_INVALID' });
    closeSync(fd);
    await expect(memory.fromFd(fd)).rejects.toMatchObject({ code: 'EBADF' });
    expect(memory.stats().secrets).toBe(1);
  });

  it('reads a pipe that is slow, beyond the first place for it', async (ctx) => {
    needsLinux(ctx);
    const { memory } = opened();
    const path = pipe();
    const keep = openSync(path, 'r+');
    const fd = openSync(path, 'r');
    const writer = openSync(path, 'w');
    closeSync(keep);
    const reading = memory.fromFd(fd);
    const content = 'x'.repeat(999).concat('y');
    for (let i = 0; i < 9; i++) {
      await sleep(5);
      writeSync(writer, content);
    }
    closeSync(writer);
    expect(text(await reading)).toBe(content.repeat(9));
    closeSync(fd);
  });

  it('refuses a pipe that brings too much, however it comes', async (ctx) => {
    needsLinux(ctx);
    const { memory } = opened();
    const path = pipe();
    const keep = openSync(path, 'r+');
    const fd = openSync(path, 'r');
    writeSync(keep, 'x'.repeat(2000));
    const refused = memory.fromFd(fd, { byteLengthMax: 1999 });
    await expect(refused).rejects.toMatchObject({ code: 'ERR_SECMEM_INPUT_INVALID' });
    expect(memory.stats().secrets).toBe(0);
    closeSync(fd);
    closeSync(keep);
  });

  it('lets go of everything when there is no place to grow into', async (ctx) => {
    needsLinux(ctx);
    const { memory } = open({
      capabilities: { views },
      atRest,
      budget: { lockedByteLengthMax: 4096 },
      onCapacity: 'throw',
    });
    const path = pipe();
    const keep = openSync(path, 'r+');
    const fd = openSync(path, 'r');
    writeSync(keep, 'x'.repeat(9000));
    await expect(memory.fromFd(fd)).rejects.toMatchObject({ kind: 'capacity' });
    expect(memory.stats().secrets).toBe(0);
    closeSync(fd);
    closeSync(keep);
  });
});

describe('fromFd in a child process', () => {
  const opened = `
    import { writeSync } from 'node:fs';
    import { createAllocator } from '${new URL('../dist/index.js', import.meta.url)}';
    import { fakeBackend } from '${new URL('../dist/testing.js', import.meta.url)}';
    const memory = createAllocator({ backend: fakeBackend() });
    const say = (text) => writeSync(1, text + '\\n');
  `;
  const program = `${opened}
    const secret = await memory.fromFd(0, { trimNewline: true });
    secret.read((bytes) => process.stdout.write(new Uint8Array(bytes)));
    await memory.close();
  `;
  const args = ['--input-type=module', '-e', program];

  it('reads standard input from a socket, as Node gives it to children', () => {
    const { stdout, stderr } = spawnSync(process.execPath, args, { input: 'from a parent\n' });
    expect([stdout.toString(), stderr.toString()]).toEqual(['from a parent', '']);
  });

  it('reads standard input from a pipe of the shell, and from a file', (ctx) => {
    needsLinux(ctx);
    const path = file('from a file');
    const run = (line: string): string =>
      spawnSync('sh', ['-c', line, 'sh', process.execPath, ...args]).stdout.toString();
    expect(run('(sleep 0.05; echo from a pipe) | "$@"')).toBe('from a pipe');
    expect(run(`"$@" < '${path}'`)).toBe('from a file');
  });

  /** Writes `input` and ends it once the child says `cue`; gives all that it said. */
  const talk = (text: string, cue: string, input: string): Promise<string[]> => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (chunk) => {
      said += chunk;
      if (said.endsWith(`${cue}\n`)) child.stdin.end(input);
    });
    return new Promise((resolve) => {
      child.on('close', () => resolve(said.trim().split('\n')));
    });
  };

  it('reads standard input that the program has made non-blocking', async () => {
    const text = `${opened}
      process.stdin.pause();
      const reading = memory.fromFd(0, { byteLength: 5 });
      setTimeout(() => say('ready'), 30);
      say((await reading).byteLength);
      await memory.close();
    `;
    expect(await talk(text, 'ready', 'abcde')).toEqual(['ready', '5']);
  });

  it.each([
    ['gives up on a silent socket', '{ waitMsMax: 500 }', 'ERR_SECMEM_WAIT_TIMEOUT'],
    ['leaves a silent socket at an abort', '{ signal: once.signal }', 'AbortError'],
  ])('%s, keeps the memory for the call, and wipes it when that ends', async (_, options, name) => {
    const text = `${opened}
      const once = new AbortController();
      const reading = setInterval(() => {
        if (memory.stats().openAccesses === 1) once.abort();
      }, 1);
      const error = await memory.fromFd(0, ${options}).catch((e) => e);
      clearInterval(reading);
      say(error.name === 'AbortError' ? error.name : error.code);
      say(memory.stats().openAccesses + ' open');
      process.once('beforeExit', () => {
        const { secrets, openAccesses } = memory.stats();
        say(secrets + ' secrets, ' + openAccesses + ' open');
        memory.close();
      });
    `;
    const said = await talk(text, '1 open', 'late');
    expect(said).toEqual([name, '1 open', '0 secrets, 0 open']);
  });
});
