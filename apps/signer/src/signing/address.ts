import { keccak_256 } from '@noble/hashes/sha3.js';
import type { Secret } from '@securemem/core';
import { addr } from 'micro-eth-signer';
import { publicKeyOf } from './libsecp256k1.js';

/**
 * The Ethereum address of a private key, with the checksum of EIP-55: the last 20 bytes of the Keccak-256 of the public
 * key without its first byte. Throws an Error for a key that is out of range.
 */
export function addressOf(key: Secret): string {
  const hash = keccak_256(publicKeyOf(key).subarray(1));
  return addr.addChecksum(`0x${Buffer.from(hash.subarray(12)).toString('hex')}`);
}
