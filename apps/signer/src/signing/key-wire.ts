import { ENVELOPE_BYTE_LENGTH, WRAPPED_KEY_BYTE_LENGTH } from './envelope.js';
import { DIGEST_BYTE_LENGTH, type Signature } from './secp256k1.js';
import type { WrappedKey } from './vault.js';

/**
 * How wrapped keys, digests and signatures cross to a keeper and back: fields of fixed length, one after another. All of it
 * is public or encrypted.
 */
const ADDRESS_BYTE_LENGTH = 42;
const ENVELOPE_AT = ADDRESS_BYTE_LENGTH + WRAPPED_KEY_BYTE_LENGTH;
const KEY_WIRE_BYTE_LENGTH = ENVELOPE_AT + ENVELOPE_BYTE_LENGTH;
const SIGNATURE_WIRE_BYTE_LENGTH = 65;

export function encodeWrappedKey({ address, wrappedKey, envelope }: WrappedKey): Uint8Array {
  const wire = new Uint8Array(KEY_WIRE_BYTE_LENGTH);
  wire.set(new TextEncoder().encode(address));
  wire.set(wrappedKey, ADDRESS_BYTE_LENGTH);
  wire.set(envelope, ENVELOPE_AT);
  return wire;
}

/** Throws `RangeError` for another length. */
export function decodeWrappedKey(wire: Uint8Array): WrappedKey {
  requireLength(wire, KEY_WIRE_BYTE_LENGTH);
  return {
    address: new TextDecoder().decode(wire.subarray(0, ADDRESS_BYTE_LENGTH)),
    wrappedKey: wire.subarray(ADDRESS_BYTE_LENGTH, ENVELOPE_AT),
    envelope: wire.subarray(ENVELOPE_AT),
  };
}

export function encodeSignRequest(key: WrappedKey, digest: Uint8Array): Uint8Array {
  const wire = new Uint8Array(DIGEST_BYTE_LENGTH + KEY_WIRE_BYTE_LENGTH);
  wire.set(digest);
  wire.set(encodeWrappedKey(key), DIGEST_BYTE_LENGTH);
  return wire;
}

export function decodeSignRequest(wire: Uint8Array): { key: WrappedKey; digest: Uint8Array } {
  return {
    digest: wire.subarray(0, DIGEST_BYTE_LENGTH),
    key: decodeWrappedKey(wire.subarray(DIGEST_BYTE_LENGTH)),
  };
}

export function encodeSignature({ r, s, yParity }: Signature): Uint8Array {
  const word = (value: bigint): string => value.toString(16).padStart(64, '0');
  return Buffer.from(`${word(r)}${word(s)}0${yParity}`, 'hex');
}

export function decodeSignature(wire: Uint8Array): Signature {
  requireLength(wire, SIGNATURE_WIRE_BYTE_LENGTH);
  const hex = Buffer.from(wire).toString('hex');
  return {
    r: BigInt(`0x${hex.slice(0, 64)}`),
    s: BigInt(`0x${hex.slice(64, 128)}`),
    yParity: hex.endsWith('1') ? 1 : 0,
  };
}

function requireLength(wire: Uint8Array, byteLength: number): void {
  if (wire.length === byteLength) return;
  throw new RangeError(`a message of ${byteLength} bytes has ${wire.length}`);
}
