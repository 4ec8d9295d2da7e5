import type { SecureMemoryError } from '../contract/errors.js';
import { inputInvalid } from '../lifetime/input-invalid.js';

/** Why a document gives no secret; `details.reason` of the error. */
export type JsonReason =
  | 'syntax'
  | 'encoding'
  | 'depth'
  | 'duplicate'
  | 'missing'
  | 'type'
  | 'empty';

/** The error of a document. It says what is wrong and where, counted in bytes from 0, and repeats none of the document. */
export function jsonRefused(
  reason: JsonReason,
  problem: string,
  byteOffset: number,
): SecureMemoryError {
  return inputInvalid('fromJson', `${problem}, at byte ${byteOffset}`, reason, { byteOffset });
}
