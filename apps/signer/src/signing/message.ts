import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Signature } from './secp256k1.js';

const PREFIX = '\x19Ethereum Signed Message:\n';

/** What is signed for a personal message (EIP-191, version 0x45): the Keccak-256 of prefix, length in bytes, and text. */
export function messageDigest(message: Uint8Array): Uint8Array {
  const prefix = new TextEncoder().encode(`${PREFIX}${message.length}`);
  const whole = new Uint8Array(prefix.length + message.length);
  whole.set(prefix);
  whole.set(message, prefix.length);
  return keccak_256(whole);
}

/** The 65 bytes r, s, v that wallets exchange, as hexadecimal with `0x`; v is 27 or 28. */
export function messageSignatureHex({ r, s, yParity }: Signature): string {
  const word = (value: bigint): string => value.toString(16).padStart(64, '0');
  return `0x${word(r)}${word(s)}${yParity === 0 ? '1b' : '1c'}`;
}
