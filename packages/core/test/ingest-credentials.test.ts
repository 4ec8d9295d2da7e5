import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { credentialPlaces } from '../src/ingest/from-credentials.js';
import { open } from './fixture.js';

const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('utf8'));

function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-credentials-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

describe('E1 fromCredentials', () => {
  beforeEach(() => {
    vi.stubEnv('CREDENTIALS_DIRECTORY', undefined);
    vi.stubEnv('APP_KEY_FILE', undefined);
    return () => void vi.unstubAllEnvs();
  });

  it('E1 asks the variable with the path first, then the directory of systemd, then /run/secrets', () => {
    const directory = { CREDENTIALS_DIRECTORY: '/run/credentials/app' };
    const paths = (environment: Record<string, string>): string[] =>
      credentialPlaces('KEY', environment).map(({ path }) => path);
    expect(paths({ ...directory, KEY_FILE: '/a' })).toEqual(['/a']);
    expect(paths(directory)).toEqual(['/run/credentials/app/KEY', '/run/secrets/KEY']);
    expect(paths({ KEY_FILE: '', CREDENTIALS_DIRECTORY: '' })).toEqual(['/run/secrets/KEY']);
  });

  it('E1 looks at own variables alone, and at no others', () => {
    const looked: (string | symbol)[] = [];
    const environment = new Proxy(Object.create({ KEY_FILE: '/polluted' }), {
      getOwnPropertyDescriptor: (target, name) => {
        looked.push(name);
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
      ownKeys: () => expect.unreachable('the environment was listed'),
    });
    expect(credentialPlaces('KEY', environment)).toHaveLength(1);
    expect(looked).toEqual(['KEY_FILE', 'CREDENTIALS_DIRECTORY']);
  });

  it('E1 takes what the file holds, also through a link, with the options of fromFile', async () => {
    const { memory } = open();
    const folder = folderOf({ APP_KEY: 'of systemd\n', other: 'of docker' });
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
    expect(plain(await memory.fromCredentials('APP_KEY', { trimNewline: true }))).toBe(
      'of systemd',
    );
    symlinkSync(join(folder, 'other'), join(folder, 'link'));
    vi.stubEnv('APP_KEY_FILE', join(folder, 'link'));
    expect(plain(await memory.fromCredentials('APP_KEY'))).toBe('of docker');
    await expect(memory.fromCredentials('APP_KEY', { byteLength: 3 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
      operation: 'fromCredentials',
    });
  });

  it('E1 does not look elsewhere when the file that was named is not there or cannot be read', async () => {
    const { memory } = open();
    const folder = folderOf({ APP_KEY: 'elsewhere' });
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
    vi.stubEnv('APP_KEY_FILE', join(folder, 'none'));
    await expect(memory.fromCredentials('APP_KEY')).rejects.toMatchObject({ code: 'ENOENT' });
    vi.stubEnv('APP_KEY_FILE', folder);
    await expect(memory.fromCredentials('APP_KEY')).rejects.toMatchObject({ code: 'EISDIR' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('E1 says where it looked when there is none', async () => {
    const { memory } = open();
    const folder = folderOf({});
    vi.stubEnv('CREDENTIALS_DIRECTORY', folder);
    const paths = [join(folder, 'APP_KEY'), '/run/secrets/APP_KEY'];
    await expect(memory.fromCredentials('APP_KEY')).rejects.toMatchObject({
      code: 'ERR_SECMEM_INPUT_INVALID',
      details: { reason: 'missing', paths },
    });
  });

  it('E1 refuses a name that is a path, and options that it does not know', async () => {
    const { memory } = open();
    for (const name of ['', '.', '..', '../x', 'a/b', '/etc/passwd', 'a\0', 'x'.repeat(201), 7]) {
      await expect(memory.fromCredentials(name as never)).rejects.toThrow(TypeError);
    }
    await expect(memory.fromCredentials('APP_KEY', { x: 1 } as never)).rejects.toThrow(/unknown/);
  });
});
