import {
  byteLengthOfOrdinary,
  type Protection,
  type RegionRange,
  requireProtection,
} from '../contract/index.js';
import { TAG_BYTE_LENGTH } from './fake-cipher.js';

/** Protections from the weakest to the strongest: a backend offers all up to its capability. */
const STRENGTH: Readonly<Record<Protection | 'none', number>> = {
  none: 0,
  'read-write': 0,
  'read-only': 1,
  'no-access': 2,
};

/** Whether a backend whose strongest level is `strongest` offers `protection`; TypeError for no protection at all. */
export function offersProtection(
  strongest: 'no-access' | 'read-only' | 'none',
  protection: Protection,
): boolean {
  requireProtection(protection);
  return STRENGTH[protection] <= STRENGTH[strongest];
}

/** The fields of a range, each read once: they may be getters. */
export function rangeOf({ region, byteOffset, byteLength }: RegionRange): RegionRange {
  return { region, byteOffset, byteLength };
}

/** Throws for what is no input of a cipher: TypeError for the kind, RangeError for the length. */
export function checkCipherArrays(
  nonce: Uint8Array,
  associatedData: Uint8Array,
  sealed: Uint8Array,
  sealedName: 'source' | 'target',
  textByteLength: number,
): void {
  if (byteLengthOfOrdinary(nonce, 'nonce') !== 12) {
    throw new RangeError('nonce must be 12 bytes long');
  }
  byteLengthOfOrdinary(associatedData, 'associatedData');
  if (byteLengthOfOrdinary(sealed, sealedName) !== textByteLength + TAG_BYTE_LENGTH) {
    throw new RangeError(`${sealedName} must be 16 bytes longer than plaintext`);
  }
}
