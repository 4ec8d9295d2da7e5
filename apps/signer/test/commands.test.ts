import { spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repetitions } from '@securemem/proof';
import { encryptKeystoreJsonSync, SigningKey } from 'ethers';
import Database from 'libsql';
import { eip191Signer } from 'micro-eth-signer';
import { describe, expect, test } from 'vitest';
import { importKey } from '../src/commands/import-key.js';
import { fromHex } from './memory.js';
import { type Files, makeFiles, problemOf, type TestService, testService } from './service.js';
import { ServiceProcess } from './service-process.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const NEW_KEY_HEX = 'a0'.repeat(32);
const KILLS = 50;

interface Ended {
  readonly code: number | null;
  readonly text: string;
}

/** Runs a command of the built program; `killAfterMs` ends it on the way, if it is that slow. */
function command(args: readonly string[], killAfterMs?: number): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk;
    });
  }
  const timer =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  return new Promise((resolve) => {
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, text });
    });
  });
}

async function createKeys(service: Pick<TestService, 'post'>, count: number): Promise<string[]> {
  const addresses: string[] = [];
  for (let at = 0; at < count; at++) {
    const response = await service.post('/v1/keys');
    addresses.push(((await response.json()) as { address: string }).address);
  }
  return addresses;
}

async function expectSigns(
  service: Pick<TestService, 'post'>,
  addresses: readonly string[],
): Promise<void> {
  for (const address of addresses) {
    const response = await service.post(`/v1/keys/${address}/messages`, { text: 'still here' });
    const { signature } = (await response.json()) as { signature: string };
    expect(eip191Signer.verify(signature, 'still here', address)).toBe(true);
  }
}

/** The coordinates of the public key, as a JWK has them. */
function pointOf(privateKey: string): { x: string; y: string } {
  const point = Buffer.from(new SigningKey(privateKey).publicKey.slice(4), 'hex');
  const [x, y] = [point.subarray(0, 32), point.subarray(32)];
  return { x: x.toString('base64url'), y: y.toString('base64url') };
}

function newKeyFile({ directory }: Files): string {
  const path = join(directory, 'new-master-key');
  writeFileSync(path, fromHex(NEW_KEY_HEX), { mode: 0o600 });
  return path;
}

function rotation(files: Files): string[] {
  const keys = ['--master-key-file', files.masterKey, '--new-master-key-file', newKeyFile(files)];
  return ['rotate-master-key', '--database', files.database, '--backend', 'nolock', ...keys];
}

describe('backup and restore', () => {
  test('a backup of a running service, restored elsewhere, signs with every key that it had', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    const addresses = await createKeys(service, 3);
    await expectSigns(service, addresses);
    const to = join(files.directory, 'backup.db');
    const made = await command(['backup', '--database', files.database, '--to', to]);
    expect(made).toMatchObject({ code: 0, text: expect.stringContaining('3 keys and 6 records') });
    expect(statSync(to).mode & 0o777).toBe(0o600);
    // The service goes on meanwhile, and what it does now is not in the backup.
    await createKeys(service, 1);
    const elsewhere = join(files.directory, 'restored.db');
    const restored = await command(['restore', '--from', to, '--database', elsewhere]);
    expect(restored).toMatchObject({ code: 0, text: expect.stringContaining('3 keys') });
    const second = await testService({ database: { kind: 'sqlite', path: elsewhere } }, files);
    await expectSigns(second, addresses);
    const listed = (await (await fetch(`${second.url}/v1/keys`)).json()) as { keys: object[] };
    expect(listed.keys).toHaveLength(3);
  });

  test('neither writes over what is there, and a damaged backup becomes nothing', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    await createKeys(service, 2);
    const to = join(files.directory, 'backup.db');
    expect((await command(['backup', '--database', files.database, '--to', to])).code).toBe(0);
    const again = await command(['backup', '--database', files.database, '--to', to]);
    expect(again).toMatchObject({ code: 2, text: expect.stringContaining('is there already') });
    const over = await command(['restore', '--from', to, '--database', files.database]);
    expect(over).toMatchObject({ code: 2, text: expect.stringContaining('is there already') });
    const absent = join(files.directory, 'absent.db');
    expect((await command(['backup', '--database', absent, '--to', `${to}2`])).code).toBe(1);
    expect(existsSync(absent)).toBe(false);
    const forged = join(files.directory, 'forged.db');
    copyFileSync(to, forged);
    const database = new Database(forged);
    database.exec('DROP TRIGGER audit_stays');
    database.exec("UPDATE audit SET who = 'somebody else' WHERE seq = 2");
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    const refused = await command(['restore', '--from', forged, '--database', absent]);
    expect(refused).toMatchObject({ code: 1, text: expect.stringContaining('record 2') });
    expect(existsSync(absent)).toBe(false);
  });
});

describe('import-key', () => {
  const privateKey = '0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318';
  const address = '0x2c7536E3605D9C16a7a3D7b1898e529396a65c23';
  const { privateKey: ofCurve } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

  const keystoreOf = (password: string) =>
    encryptKeystoreJsonSync({ address, privateKey }, password, { scrypt: { N: 1024, r: 8, p: 1 } });

  /** The same key in each form that is taken; the password is in a file. */
  function forms(): Record<string, string | Uint8Array> {
    const jwk = {
      kty: 'EC',
      crv: 'secp256k1',
      d: Buffer.from(privateKey.slice(2), 'hex').toString('base64url'),
      ...pointOf(privateKey),
    };
    const key = createPrivateKey({ key: jwk, format: 'jwk' });
    const encrypted = { cipher: 'aes-256-cbc', passphrase: 'open sesame' };
    return {
      keystore: keystoreOf('open sesame'),
      pem: key.export({ format: 'pem', type: 'pkcs8', ...encrypted }),
      der: key.export({ format: 'der', type: 'sec1' }),
      jwk: JSON.stringify(jwk),
      raw: fromHex(privateKey),
    };
  }

  function importing(files: Files, format: string, content: string | Uint8Array) {
    const [path, password] = ['key', 'password'].map((name) => join(files.directory, name));
    writeFileSync(path as string, content, { mode: 0o600 });
    writeFileSync(password as string, 'open sesame\n', { mode: 0o600 });
    const ways = ['--format', format, '--key-file', path, '--password-file', password];
    const where = ['--database', files.database, '--master-key-file', files.masterKey];
    return importKey([...where, ...ways, '--backend', 'nolock'] as string[]);
  }

  test('K4 takes a keystore, PEM, DER, JWK and the bare bytes, once, and the service signs with it', async () => {
    for (const [format, content] of Object.entries(forms())) {
      const files = makeFiles();
      expect(await importing(files, format, content), format).toContain(address);
      const again = importing(files, format, content);
      await expect(again, format).rejects.toMatchObject({ code: 'STORAGE_DUPLICATE' });
      if (format === 'keystore') await expectSigns(await testService({}, files), [address]);
    }
  });

  test('K4 refuses another password, a key of another curve, and a keystore that says another address', async () => {
    const files = makeFiles();
    const elsewhere = { ...JSON.parse(keystoreOf('open sesame')), address: 'ab'.repeat(20) };
    const refusals: [string, string | Uint8Array, string][] = [
      ['keystore', JSON.stringify(elsewhere), 'VAULT_BAD_KEY'],
      ['keystore', keystoreOf('another password'), 'VAULT_BAD_KEY'],
      ['pem', ofCurve.export({ format: 'pem', type: 'pkcs8' }), 'VAULT_BAD_KEY'],
      ['pem', 'no PEM', 'ERR_SECMEM_INPUT_INVALID'],
      ['raw', new Uint8Array(31), 'ERR_SECMEM_INPUT_INVALID'],
      ['raw', new Uint8Array(32), 'VAULT_BAD_KEY'],
    ];
    for (const [format, content, code] of refusals) {
      await expect(importing(files, format, content), format).rejects.toMatchObject({ code });
    }
    const service = await testService({}, files);
    expect(await (await fetch(`${service.url}/v1/keys`)).json()).toEqual({ keys: [] });
  });

  test('K4 refuses a file of a key or of its password that others can read', async () => {
    for (const name of ['key', 'password']) {
      const files = makeFiles();
      await importing(files, 'raw', fromHex(privateKey));
      chmodSync(join(files.directory, name), 0o644);
      const paths = ['key', 'password'].map((each) => join(files.directory, each));
      const where = ['--database', files.database, '--master-key-file', files.masterKey];
      const ways = ['--key-file', paths[0], '--password-file', paths[1], '--backend', 'nolock'];
      const refused = importKey([...where, ...ways] as string[]);
      await expect(refused, name).rejects.toMatchObject({ code: 'VAULT_UNSAFE_FILE' });
    }
  });
});

describe('the audit log', () => {
  test('has every signature with its digest, its key, who and the request, and cannot be changed unnoticed', async () => {
    const files = makeFiles();
    // In a process of its own, which lets go of the file as a whole.
    const service = await ServiceProcess.start(files, ['--backend', 'nolock']);
    const [address] = await createKeys(service, 1);
    const path = `/v1/keys/${address}/messages`;
    await service.post(path, { text: 'x' }, { 'x-request-id': 'request-1' });
    await service.post(path, { text: 'y' });
    await service.end('SIGTERM');
    const database = new Database(files.database);
    const rows = database.prepare('SELECT * FROM audit ORDER BY seq').all() as Record<
      string,
      unknown
    >[];
    expect(rows.map(({ action }) => action)).toEqual(['create', 'sign-message', 'sign-message']);
    expect(rows[1]).toMatchObject({
      address,
      request_id: 'request-1',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      who: expect.stringMatching(/^token:[0-9a-f]{8}$/),
    });
    expect(() => database.exec("UPDATE audit SET who = 'x' WHERE seq = 2")).toThrow('only grows');
    expect(() => database.exec('DELETE FROM audit')).toThrow('only grows');
    const verify = ['verify-audit', '--database', files.database];
    expect(await command(verify)).toMatchObject({
      code: 0,
      text: expect.stringContaining('3 records'),
    });
    const harms = [
      "UPDATE audit SET digest = '00' WHERE seq = 2",
      'DELETE FROM audit WHERE seq = 2',
      'DELETE FROM audit WHERE seq = 3',
      'UPDATE audit SET seq = 9 WHERE seq = 3',
      'INSERT INTO audit SELECT 4, request_id, at, action, address, digest, who, hash FROM audit WHERE seq = 3',
    ];
    database.exec('DROP TRIGGER audit_stays; DROP TRIGGER audit_grows');
    for (const harm of harms) {
      database.exec('BEGIN');
      const saved = database.prepare('SELECT * FROM audit').all() as Record<string, unknown>[];
      database.exec(harm);
      database.exec('COMMIT');
      expect(await command(verify)).toMatchObject({
        code: 1,
        text: expect.stringContaining('audit log'),
      });
      await expect(ServiceProcess.start(files)).rejects.toThrow('code 1');
      database.exec('DELETE FROM audit');
      const insert = database.prepare('INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
      for (const row of saved) insert.run(...Object.values(row));
    }
    expect((await command(verify)).code).toBe(0);
    database.close();
  }, 120_000);
});

describe('rotate-master-key', () => {
  test('puts every key under the new one; a service with the old one says so, and goes on with the new one', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    const addresses = await createKeys(service, 3);
    const args = rotation(files);
    expect(await command(args)).toMatchObject({ code: 0, text: expect.stringContaining('3 keys') });
    expect(await problemOf(await service.post('/v1/keys'))).toEqual({
      status: 503,
      type: 'master-key-rotated',
    });
    const signed = await service.post(`/v1/keys/${addresses[0]}/messages`, { text: 'x' });
    expect(await problemOf(signed)).toEqual({ status: 503, type: 'master-key-rotated' });
    await service.post('/v1/vault/seal');
    expect(await problemOf(await service.post('/v1/vault/unseal'))).toEqual({
      status: 403,
      type: 'wrong-master-key',
    });
    copyFileSync(join(files.directory, 'new-master-key'), files.masterKey);
    chmodSync(files.masterKey, 0o600);
    expect((await service.post('/v1/vault/unseal')).status).toBe(200);
    await expectSigns(service, [...addresses, ...(await createKeys(service, 1))]);
    expect(await command(args)).toMatchObject({
      code: 0,
      text: expect.stringContaining('already'),
    });
  }, 60_000);

  test('refuses the same key, a wrong one, and a second rotation beside an interrupted one', async () => {
    const files = makeFiles();
    const service = await testService({}, files);
    await createKeys(service, 1);
    const args = rotation(files);
    const same = args.with(-1, files.masterKey);
    expect(await command(same)).toMatchObject({
      code: 0,
      text: expect.stringContaining('already'),
    });
    const wrong = join(files.directory, 'wrong');
    writeFileSync(wrong, fromHex('b1'.repeat(32)), { mode: 0o600 });
    const noKey = args.with(args.indexOf('--master-key-file') + 1, wrong);
    expect(await command(noKey)).toMatchObject({
      code: 1,
      text: expect.stringContaining('VAULT_WRONG_MASTER_KEY'),
    });
    const database = new Database(files.database);
    database.exec("INSERT INTO master_keys VALUES (2, zeroblob(60), 'now')");
    database.close();
    expect(await command(args)).toMatchObject({
      code: 2,
      text: expect.stringContaining('interrupted'),
    });
  }, 60_000);

  test('SIGKILL on the way loses no key, and the same command goes on', {
    timeout: 60_000 + repetitions(KILLS) * 10_000,
  }, async () => {
    const files = makeFiles();
    const service = await ServiceProcess.start(files, ['--backend', 'nolock']);
    const addresses = await createKeys(service, 120);
    await service.end('SIGTERM');
    const args = rotation(files);
    let killed = 0;
    for (let round = 0; round < repetitions(KILLS); round++) {
      // At first it has no time to begin; each time it gets a little more, until it ends by itself.
      const { code } = await command(args, 100 + round * 40);
      if (code === 0) break;
      killed++;
    }
    expect(killed).toBeGreaterThan(0);
    expect((await command(args)).code).toBe(0);
    const more = [
      '--backend',
      'nolock',
      '--master-key-file',
      join(files.directory, 'new-master-key'),
    ];
    const after = await ServiceProcess.start(files, more);
    await expectSigns(after, addresses);
    await after.end('SIGTERM');
  });
});
