import type { SecureMemoryError } from '../../contract/errors.js';
import { inputInvalid } from '../../lifetime/input-invalid.js';

/** Why a file gives no key; `details.reason` of the error. */
export type KeyReason =
  | 'syntax'
  | 'unsupported'
  | 'value'
  | 'mismatch'
  | 'missing'
  | 'encrypted'
  | 'passphrase'
  | 'cost';

/** What a parser says of an input that it does not take. It knows no call; the door that called it puts its name there. */
interface Refusal {
  /** Where, counted in bytes from 0 in what was decoded so far. */
  readonly byteOffset?: number;
  /** What to do about it. */
  readonly remedy?: string;
}

/** Stands for the name of the call in errors of parsers, which serve several. */
export const PARSER = 'key';

/** The error of a key file. It says what is wrong and where, and repeats none of the file. */
export function keyRefused(
  reason: KeyReason,
  problem: string,
  { byteOffset, remedy }: Refusal = {},
): SecureMemoryError {
  const where = byteOffset === undefined ? '' : `, at byte ${byteOffset}`;
  const then = remedy === undefined ? '' : `; ${remedy}`;
  return inputInvalid(PARSER, `${problem}${where}${then}`, reason, {
    ...(byteOffset === undefined ? {} : { byteOffset }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}
