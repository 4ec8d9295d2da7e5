import type { URL } from 'node:url';
import { isBytes } from '../../common/bytes.js';
import { inputInvalid } from '../../lifetime/input-invalid.js';
import type { Ownership } from '../../lifetime/ownership.js';
import type { RequestOptions } from '../../requests/granter.js';
import { isSecret, placeOf, type Secret } from '../../secret/secret.js';
import { fromFd, fromFile, type IngestOptions } from '../from-file.js';
import { grow } from '../growth.js';
import type { Span } from './found-key.js';
import { RSA_WORK_BYTE_LENGTH } from './rsa-layout.js';

/**
 * Where a key file is. A string is a path; the file itself may come as bytes, which are wiped once the key was taken, or in a
 * secret, which is left as it is. A number is an open descriptor.
 */
export type KeySource = Uint8Array | Secret | string | URL | number;

/** A place that is ours: the file, and room behind it. What is done to the file is done here. */
export interface Workbench {
  readonly secret: Secret;
  readonly file: Span;
  readonly room: Span;
}

interface WorkbenchOptions {
  readonly request: RequestOptions;
  readonly byteLengthMax: number;
}

/** Files below have no RSA key that is taken: its modulus and primes alone are longer. */
const RSA_FILE_BYTE_LENGTH_MIN = 512;
/** What is a key and no path: PEM, JSON, or base64 of DER that begins with the version of a key. Node's errors repeat a path. */
const NO_PATH =
  /^\s*(?:-----|\{)|[\r\n\0]|^M(?:..CAQ|I..AgE|II..[AQgw]IB)[A-Za-z0-9+/_=-]{32,}$|^.{4097}/;

/** Puts the file on a bench of its own. `operation` is what errors speak of. */
export async function openWorkbench(
  owner: Ownership,
  operation: string,
  source: KeySource,
  { request, byteLengthMax }: WorkbenchOptions,
): Promise<Workbench> {
  if (!isSecret(source) && !isBytes(source)) {
    return readFile(owner, operation, source, { request, byteLengthMax });
  }
  const byteLength = lengthOf(source);
  if (byteLength === 0) throw inputInvalid(operation, 'the input is empty', 'empty');
  if (byteLength > byteLengthMax) {
    const problem = `the input is longer than ${byteLengthMax} bytes`;
    throw inputInvalid(operation, problem, 'length');
  }
  const secret = await owner.allocate(byteLength + roomFor(byteLength), request);
  try {
    if (lengthOf(source) !== byteLength) {
      throw new TypeError('the source changed its length while the call waited');
    }
    secret.copyFrom(source);
  } catch (error) {
    secret.dispose();
    throw error;
  }
  return benchOf(secret, byteLength);
}

async function readFile(
  owner: Ownership,
  operation: string,
  source: string | URL | number,
  { request, byteLengthMax }: WorkbenchOptions,
): Promise<Workbench> {
  if (typeof source === 'string' && NO_PATH.test(source)) {
    throw new TypeError(
      'source as a string is the path of a file: a key comes as bytes, since a string could never be wiped',
    );
  }
  const options = { ...request, byteLengthMax } as IngestOptions;
  const file = await (typeof source === 'number'
    ? fromFd(owner, source, options, operation)
    : fromFile(owner, source, options, operation));
  const { byteLength } = file;
  const room = roomFor(byteLength);
  if (room === 0) return benchOf(file, byteLength);
  try {
    return benchOf(await grow(owner, file, byteLength + room, request, operation), byteLength);
  } catch (error) {
    file.dispose();
    throw error;
  }
}

function lengthOf(source: Uint8Array | Secret): number {
  if (isBytes(source)) return source.length;
  placeOf(source);
  return source.byteLength;
}

const roomFor = (byteLength: number): number =>
  byteLength < RSA_FILE_BYTE_LENGTH_MIN ? 0 : RSA_WORK_BYTE_LENGTH;

function benchOf(secret: Secret, byteLength: number): Workbench {
  const file = { start: 0, end: byteLength };
  return { secret, file, room: { start: byteLength, end: secret.byteLength } };
}
