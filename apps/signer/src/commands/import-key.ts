import { closeSync, readSync } from 'node:fs';
import type { Allocator, Secret } from '@securemem/core';
import { choice, parseOptions, required } from '../service/option-values.js';
import { KEYSTORE_BYTE_LENGTH_MAX, readKeystore } from '../signing/keystore.js';
import { openKeystore } from '../signing/keystore-opening.js';
import { KEY_BYTE_LENGTH } from '../signing/secp256k1.js';
import { openSecretFile } from '../signing/secret-file.js';
import { type Unsealed, unsealKeyRing } from '../signing/unsealing.js';
import { VaultError, type WrappedKey } from '../signing/vault.js';
import type { Store } from '../storage/store.js';
import { DATABASE_OPTIONS } from './database-options.js';
import { withKeySession } from './key-session.js';

const PASSWORD_BYTE_LENGTH_MAX = 1_024;

/** A key file that is open, and its password where a file of that was given. */
interface Opened {
  readonly memory: Allocator;
  readonly descriptor: number;
  readonly password: Secret | undefined;
}

/** The private key alone, and the address that the file says it is of. */
interface Found {
  readonly secret: Secret;
  readonly address?: string | undefined;
}

const FORMATS = {
  keystore: async ({ memory, descriptor, password }) => {
    const keystore = readKeystore(documentOf(descriptor));
    using entered =
      password ?? (await memory.fromTerminal({ prompt: 'Password of the keystore: ' }));
    const secret = await openKeystore(memory, keystore, entered);
    return { secret, address: keystore.address };
  },
  pem: async ({ memory, descriptor, password }) =>
    ofEthereum(await memory.fromPem(descriptor, passphraseOf(password))),
  der: async ({ memory, descriptor, password }) =>
    ofEthereum(await memory.fromDer(descriptor, passphraseOf(password))),
  jwk: async ({ memory, descriptor }) => ofEthereum(await memory.fromJwk(descriptor)),
  raw: async ({ memory, descriptor }) => ({
    secret: await memory.fromFd(descriptor, { byteLength: KEY_BYTE_LENGTH }),
  }),
} as const satisfies Readonly<Record<string, (opened: Opened) => Promise<Found>>>;

const FORMAT_NAMES = Object.keys(FORMATS) as (keyof typeof FORMATS)[];

/**
 * Puts a private key out of a file under the master key, also while the service runs. The file, and that of its password,
 * must be closed to everybody else. The password of a keystore is asked for at the terminal where no file of it is given.
 */
export async function importKey(args: readonly string[]): Promise<string> {
  const values = parseOptions(args, {
    ...DATABASE_OPTIONS,
    'master-key-file': { type: 'string' },
    'key-file': { type: 'string' },
    'password-file': { type: 'string' },
    format: { type: 'string' },
  });
  const masterKeyPath = required('master-key-file', values['master-key-file']);
  const path = required('key-file', values['key-file']);
  const format = choice('format', values.format ?? 'keystore', FORMAT_NAMES);
  return withKeySession(values, async ({ store, backend, memory, known }) => {
    const checks = known.map(({ check }) => check);
    const source = { kind: 'file', path: masterKeyPath } as const;
    const unsealed = await unsealKeyRing(memory, backend, source, checks);
    using password = await passwordFrom(memory, values['password-file']);
    const found = await withSecretFile(path, 'the file of the key', (descriptor) =>
      FORMATS[format]({ memory, descriptor, password }),
    );
    const wrapped = await wrappedBy(unsealed, found);
    await stored(store, unsealed, wrapped);
    return `the key of ${wrapped.address} is stored; whoever has its file can sign with it all the same`;
  });
}

async function wrappedBy({ keys }: Unsealed, { secret, address }: Found): Promise<WrappedKey> {
  try {
    const wrapped = await keys.wrap(async (key) => key.copyFrom(secret));
    if (address === undefined || wrapped.address.toLowerCase() === `0x${address}`) return wrapped;
    throw new VaultError('VAULT_BAD_KEY', 'the keystore says that it is of another address');
  } finally {
    secret.dispose();
  }
}

async function stored(store: Store, { check }: Unsealed, wrapped: WrappedKey): Promise<void> {
  const known = await store.masterKeys();
  const at = new Date().toISOString();
  const row = known.find((candidate) => Buffer.compare(candidate.check, check) === 0);
  if (row === undefined) await store.addMasterKey({ generation: 1, check, createdAt: at });
  const { address } = wrapped;
  await store.insertKey(
    { ...wrapped, origin: 'imported', createdAt: at, generation: row?.generation ?? 1 },
    { requestId: '', at, action: 'import', address, digest: '', who: 'command' },
  );
}

function ofEthereum({ type, secret }: Awaited<ReturnType<Allocator['fromPem']>>): Found {
  if (type === 'secp256k1') return { secret };
  secret.dispose();
  throw new VaultError('VAULT_BAD_KEY', `a key of ${type} is no key of Ethereum`);
}

const passphraseOf = (password: Secret | undefined) =>
  password === undefined ? {} : { passphrase: password };

async function passwordFrom(
  memory: Allocator,
  path: string | undefined,
): Promise<Secret | undefined> {
  if (path === undefined) return undefined;
  const limits = { byteLengthMax: PASSWORD_BYTE_LENGTH_MAX, trimNewline: true };
  return withSecretFile(path, 'the file of the password', (fd) => memory.fromFd(fd, limits));
}

async function withSecretFile<T>(
  path: string,
  what: string,
  read: (descriptor: number) => Promise<T>,
): Promise<T> {
  const descriptor = openSecretFile(path, what);
  try {
    return await read(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** All of a file that may be a keystore, and one byte more of one that is too long. */
function documentOf(descriptor: number): Uint8Array {
  const bytes = new Uint8Array(KEYSTORE_BYTE_LENGTH_MAX + 1);
  let filled = 0;
  for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
    read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
  }
  return bytes.subarray(0, filled);
}
