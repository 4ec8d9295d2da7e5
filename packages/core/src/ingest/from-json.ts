import type { URL } from 'node:url';
import { ownOptions } from '../contract/own-properties.js';
import type { Ownership } from '../lifetime/ownership.js';
import { ALLOCATE_NAMES, type AllocateOptions, requestOf } from '../lifetime/request.js';
import type { RequestOptions } from '../requests/granter.js';
import { isSecret, type Secret, withBytes } from '../secret/secret.js';
import { fromFd, fromFile } from './from-file.js';
import { findString } from './json-document.js';
import { type PointerStep, pointerSteps } from './json-pointer.js';
import { type JsonString, readString } from './json-string.js';

/** Where a document of JSON is: in a secret, in a file, or behind an open descriptor. */
export type JsonSource = Secret | string | URL | number;

export interface JsonOptions extends AllocateOptions {
  /** Longest document that is read from a file or a descriptor, in bytes, 1 to 2^30. Default 65,536. */
  readonly byteLengthMax?: number;
}

/** See `Allocations.fromJson`. */
export async function fromJson(
  owner: Ownership,
  source: JsonSource,
  pointer: string,
  options?: JsonOptions,
): Promise<Secret> {
  const steps = pointerSteps(pointer);
  const own = ownOptions(options, [...ALLOCATE_NAMES, 'byteLengthMax'], 'options');
  const request = requestOf(own);
  if (isSecret(source)) return fromSecret(owner, source, steps, request);
  if (ArrayBuffer.isView(source)) {
    throw new TypeError(
      'source must not be bytes: adopt() them first, or give the path as a string',
    );
  }
  const document = await (typeof source === 'number'
    ? fromFd(owner, source, own, 'fromJson')
    : fromFile(owner, source, own, 'fromJson'));
  return cutOut(document, steps);
}

/** The document stays as it is, so the string is decoded into a place of its own. */
async function fromSecret(
  owner: Ownership,
  source: Secret,
  steps: readonly PointerStep[],
  request: RequestOptions,
): Promise<Secret> {
  const find = (bytes: Uint8Array): JsonString => findString(bytes, steps);
  const { byteLength } = withBytes(source, 'read', find);
  const secret = await owner.allocate(byteLength, request);
  try {
    withBytes(source, 'read', (bytes) => {
      const string = find(bytes);
      if (string.byteLength !== byteLength) {
        throw new TypeError('the document changed while the call waited');
      }
      withBytes(secret, 'write', (target) => decode(bytes, string, target));
    });
  } catch (error) {
    secret.dispose();
    throw error;
  }
  return secret;
}

/** The document is ours: the string is decoded to its beginning, and the rest is wiped. */
function cutOut(document: Secret, steps: readonly PointerStep[]): Secret {
  try {
    const byteLength = withBytes(document, 'write', (bytes) => {
      const string = findString(bytes, steps);
      decode(bytes, string, bytes);
      return string.byteLength;
    });
    document.resize(byteLength);
  } catch (error) {
    document.dispose();
    throw error;
  }
  return document;
}

/** The target may be the document itself: what is written is never ahead of what was read. */
function decode(bytes: Uint8Array, { start }: JsonString, target: Uint8Array): void {
  readString(bytes, start, (byte, index) => {
    target[index] = byte;
  });
}
