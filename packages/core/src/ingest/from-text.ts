import { isBytes } from '../common/bytes.js';
import { notA } from '../common/handle-kind.js';
import { ownOptions } from '../contract/own-properties.js';
import { zero } from '../contract/zero.js';
import { inputInvalid } from '../lifetime/input-invalid.js';
import type { Ownership } from '../lifetime/ownership.js';
import {
  ALLOCATE_NAMES,
  type AllocateOptions,
  checkRequest,
  requestOf,
} from '../lifetime/request.js';
import { oneOf } from '../options.js';
import type { RequestOptions } from '../requests/granter.js';
import { isSecret, placeOf, type Secret, withBytes } from '../secret/secret.js';
import { type Base64Alphabet, base64Shape, decodeBase64 } from './base64.js';
import { decodeHex, hexByteLength } from './hex.js';

/** Text as bytes: a string could never be wiped. A secret is left as it is; bytes are wiped once they are decoded. */
export type EncodedText = Uint8Array | Secret;

export interface Base64Options extends AllocateOptions {
  /** Which alphabet the text is in; one alone is accepted. Default `'base64'`. */
  readonly alphabet?: Base64Alphabet;
}

/** Tells whether all of the text was valid. */
type Decoder = (text: Uint8Array, target: Uint8Array) => boolean;

/** See `Allocations.fromHex`. */
export async function fromHex(
  owner: Ownership,
  text: EncodedText,
  options?: AllocateOptions,
): Promise<Secret> {
  const request = checkRequest(options);
  const byteLength = hexByteLength(lengthOf(text));
  if (byteLength === undefined) throw badLength('fromHex');
  return decodeInto(owner, 'fromHex', text, byteLength, decodeHex, request);
}

/** See `Allocations.fromBase64`. */
export async function fromBase64(
  owner: Ownership,
  text: EncodedText,
  options?: Base64Options,
): Promise<Secret> {
  lengthOf(text);
  const own = ownOptions(options, [...ALLOCATE_NAMES, 'alphabet'], 'options');
  const alphabet = oneOf('alphabet', own.alphabet, ['base64', 'base64url']);
  const shape = withText(text, base64Shape);
  if (shape === undefined) throw badLength('fromBase64');
  const decode: Decoder = (bytes, target) => decodeBase64(bytes, shape, alphabet, target);
  return decodeInto(owner, 'fromBase64', text, shape.byteLength, decode, requestOf(own));
}

async function decodeInto(
  owner: Ownership,
  operation: string,
  text: EncodedText,
  byteLength: number,
  decode: Decoder,
  request: RequestOptions,
): Promise<Secret> {
  const textByteLength = lengthOf(text);
  const secret = await owner.allocate(byteLength, request);
  try {
    if (lengthOf(text) !== textByteLength) {
      throw new TypeError('the text changed its length while the call waited');
    }
    const valid = withText(text, (bytes) =>
      withBytes(secret, 'write', (target) => decode(bytes, target)),
    );
    if (!valid)
      throw inputInvalid(operation, 'the text has bytes outside its alphabet', 'alphabet');
  } catch (error) {
    secret.dispose();
    throw error;
  }
  if (isBytes(text)) zero(text);
  return secret;
}

function withText<T>(text: EncodedText, fn: (bytes: Uint8Array) => T): T {
  return isSecret(text) ? withBytes(text, 'read', fn) : fn(text);
}

function lengthOf(text: EncodedText): number {
  if (isSecret(text)) {
    placeOf(text);
    return text.byteLength;
  }
  if (isBytes(text)) return text.length;
  if (typeof text === 'string') {
    throw new TypeError('text must be a Uint8Array or a Secret: a string could never be wiped');
  }
  throw notA('a Uint8Array or a Secret', 'text', text);
}

function badLength(operation: string): Error {
  return inputInvalid(operation, 'no such text has this length or padding', 'length');
}
