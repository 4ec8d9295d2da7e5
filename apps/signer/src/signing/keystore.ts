import { VaultError } from './vault.js';

/** What the key of a keystore is derived by. */
export type Derivation =
  | { readonly kdf: 'pbkdf2'; readonly salt: Uint8Array; readonly iterations: number }
  | {
      readonly kdf: 'scrypt';
      readonly salt: Uint8Array;
      readonly cost: number;
      readonly blockSize: number;
      readonly parallelization: number;
    };

/** A keystore as it stands in its file (Web3 Secret Storage, version 3). Nothing in it is secret without its password. */
export interface Keystore {
  readonly derivation: Derivation;
  /** 16 bytes. */
  readonly iv: Uint8Array;
  /** 32 bytes. */
  readonly ciphertext: Uint8Array;
  /** 32 bytes. */
  readonly mac: Uint8Array;
  /** The account that it says it is of, 40 hexadecimal digits in lower case; most say it. */
  readonly address: string | undefined;
}

/** Longest document, in bytes; one is 500 long. */
export const KEYSTORE_BYTE_LENGTH_MAX = 16_384;

const SALT_BYTE_LENGTH_MAX = 128;
const ITERATIONS_MAX = 10_000_000;
/** scrypt takes 128 × cost × blockSize bytes, 512 MiB at most: twice what Geth writes. */
const SCRYPT_BLOCKS_MAX = 2 ** 22;
/** And time for each block, once for each of its lanes: four times what Geth writes. */
const SCRYPT_WORK_MAX = 2 ** 23;

/** Reads the document. `VAULT_BAD_KEY` names the field that is not as it must be; nothing was derived then. */
export function readKeystore(document: Uint8Array): Keystore {
  const whole = fieldsOf(parsed(document), 'the keystore');
  if (whole('version') !== 3) throw bad('version must be 3');
  const crypto = fieldsOf(whole('crypto') ?? whole('Crypto'), 'crypto');
  if (crypto('cipher') !== 'aes-128-ctr') throw bad('crypto.cipher must be aes-128-ctr');
  const cipher = fieldsOf(crypto('cipherparams'), 'crypto.cipherparams');
  return {
    derivation: derivationOf(crypto('kdf'), fieldsOf(crypto('kdfparams'), 'crypto.kdfparams')),
    iv: bytesOf('crypto.cipherparams.iv', cipher('iv'), 16, 16),
    ciphertext: bytesOf('crypto.ciphertext', crypto('ciphertext'), 32, 32),
    mac: bytesOf('crypto.mac', crypto('mac'), 32, 32),
    address: addressOf(whole('address')),
  };
}

type Fields = (name: string) => unknown;

function derivationOf(kdf: unknown, parameters: Fields): Derivation {
  if (parameters('dklen') !== 32) throw bad('crypto.kdfparams.dklen must be 32');
  const salt = bytesOf('crypto.kdfparams.salt', parameters('salt'), 1, SALT_BYTE_LENGTH_MAX);
  if (kdf === 'pbkdf2') {
    if (parameters('prf') !== 'hmac-sha256') {
      throw bad('crypto.kdfparams.prf must be hmac-sha256');
    }
    return { kdf, salt, iterations: numberOf('c', parameters, ITERATIONS_MAX) };
  }
  if (kdf !== 'scrypt') throw bad('crypto.kdf must be pbkdf2 or scrypt');
  const cost = numberOf('n', parameters, SCRYPT_BLOCKS_MAX);
  const blockSize = numberOf('r', parameters, SCRYPT_BLOCKS_MAX);
  const parallelization = numberOf('p', parameters, SCRYPT_BLOCKS_MAX);
  if (cost < 2 || !Number.isInteger(Math.log2(cost))) {
    throw bad('crypto.kdfparams.n must be a power of two');
  }
  const blocks = cost * blockSize;
  if (blocks > SCRYPT_BLOCKS_MAX || blocks * parallelization > SCRYPT_WORK_MAX) {
    throw bad('crypto.kdfparams asks for more memory or time than any wallet does');
  }
  return { kdf, salt, cost, blockSize, parallelization };
}

/** JSON in UTF-8. What it says of it is never repeated: a key may be in it by mistake. */
function parsed(document: Uint8Array): unknown {
  if (document.length > KEYSTORE_BYTE_LENGTH_MAX) throw bad('the document is too long');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(document));
  } catch {
    throw bad('the document is no JSON');
  }
}

/** Looks up what the object itself has. */
function fieldsOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`${name} must be an object`);
  }
  return (field) => (Object.hasOwn(value, field) ? value[field as never] : undefined);
}

function bytesOf(name: string, value: unknown, least: number, most: number): Uint8Array {
  const isHex = typeof value === 'string' && /^(?:[0-9a-fA-F]{2})*$/.test(value);
  const bytes = new Uint8Array(isHex ? Buffer.from(value, 'hex') : []);
  if (bytes.length >= least && bytes.length <= most) return bytes;
  throw bad(
    `${name} must be ${least === most ? least : `${least} to ${most}`} bytes in hexadecimal`,
  );
}

function numberOf(name: string, parameters: Fields, most: number): number {
  const value = parameters(name);
  if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most) {
    return Number(value);
  }
  throw bad(`crypto.kdfparams.${name} must be a whole number from 1 to ${most}`);
}

function addressOf(value: unknown): string | undefined {
  if (value === undefined || value === '') return undefined;
  const found = typeof value === 'string' && /^(?:0x)?([0-9a-fA-F]{40})$/.exec(value);
  if (found) return found[1]?.toLowerCase();
  throw bad('address must be 20 bytes in hexadecimal');
}

function bad(problem: string): VaultError {
  return new VaultError('VAULT_BAD_KEY', `this is no keystore that can be read: ${problem}`);
}
