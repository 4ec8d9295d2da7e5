import { type Allocations, ownershipOf } from '../allocations.js';
import { ownOptions } from '../contract/own-properties.js';
import { refusal } from '../lifetime/input-invalid.js';
import {
  ALLOCATE_NAMES,
  type AllocateOptions,
  checkRequest,
  requestOf,
} from '../lifetime/request.js';
import { oneOf } from '../options.js';
import type { RequestOptions } from '../requests/granter.js';
import { internals, Secret } from '../secret/secret.js';
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

const fill = Function.prototype.call.bind(Uint8Array.prototype.fill) as (
  bytes: Uint8Array,
  value: number,
) => void;

/** See `Allocations.fromHex`. */
export async function fromHex(
  allocations: Allocations,
  text: EncodedText,
  options?: AllocateOptions,
): Promise<Secret> {
  const request = checkRequest(options);
  const byteLength = hexByteLength(lengthOf(text));
  if (byteLength === undefined) throw badLength('fromHex');
  return decodeInto(allocations, 'fromHex', text, byteLength, decodeHex, request);
}

/** See `Allocations.fromBase64`. */
export async function fromBase64(
  allocations: Allocations,
  text: EncodedText,
  options?: Base64Options,
): Promise<Secret> {
  lengthOf(text);
  const own = ownOptions(options, [...ALLOCATE_NAMES, 'alphabet'], 'options');
  const alphabet = oneOf('alphabet', own.alphabet, ['base64', 'base64url']);
  const shape = withText(text, base64Shape);
  if (shape === undefined) throw badLength('fromBase64');
  const decode: Decoder = (bytes, target) => decodeBase64(bytes, shape, alphabet, target);
  return decodeInto(allocations, 'fromBase64', text, shape.byteLength, decode, requestOf(own));
}

async function decodeInto(
  allocations: Allocations,
  operation: string,
  text: EncodedText,
  byteLength: number,
  decode: Decoder,
  request: RequestOptions,
): Promise<Secret> {
  const textByteLength = lengthOf(text);
  const secret = await ownershipOf(allocations).allocate(byteLength, request);
  try {
    if (lengthOf(text) !== textByteLength) {
      throw new TypeError('the text changed its length while the call waited');
    }
    const valid = withText(text, (bytes) =>
      internals.withBytes(secret, 'write', (target) => decode(bytes, target)),
    );
    if (!valid) throw refusal(operation, 'the text has bytes outside its alphabet', 'alphabet');
  } catch (error) {
    secret.dispose();
    throw error;
  }
  if (text instanceof Uint8Array) fill(text, 0);
  return secret;
}

function withText<T>(text: EncodedText, fn: (bytes: Uint8Array) => T): T {
  return text instanceof Secret ? internals.withBytes(text, 'read', fn) : fn(text);
}

function lengthOf(text: EncodedText): number {
  if (text instanceof Secret) {
    internals.placeOf(text);
    return text.byteLength;
  }
  if (text instanceof Uint8Array) return text.length;
  throw new TypeError('text must be a Uint8Array or a Secret: a string could never be wiped');
}

function badLength(operation: string): Error {
  return refusal(operation, 'no such text has this length or padding', 'length');
}
