import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Secret } from '@securemem/core';
import { addr } from 'micro-eth-signer';
import type { Secp256k1 } from './secp256k1.js';

/**
 * The Ethereum address of a private key, with the checksum of EIP-55: the last 20 bytes of the Keccak-256 of the public
 * key without its first byte. Throws an Error for a key that is out of range.
 */
export function addressOf(key: Secret, secp256k1: Pick<Secp256k1, 'publicKeyOf'>): string {
  const hash = keccak_256(secp256k1.publicKeyOf(key).subarray(1));
  return addr.addChecksum(`0x${Buffer.from(hash.subarray(12)).toString('hex')}`);
}
