import { SecureMemoryError } from '../contract/errors.js';
import { ownOptions } from '../contract/own-properties.js';
import { inputInvalid } from '../lifetime/input-invalid.js';
import type { Ownership } from '../lifetime/ownership.js';
import { requestOf } from '../lifetime/request.js';
import type { RequestOptions } from '../requests/granter.js';
import { placeOf, type Secret } from '../secret/secret.js';
import {
  type CredentialPlace,
  fromFirst,
  type Left,
  missing,
  placesNow,
  tell,
} from './from-credentials.js';
import {
  checkLimits,
  finish,
  INGEST_NAMES,
  type IngestOptions,
  type Limits,
  tooLong,
} from './from-file.js';

const OPERATION = 'fromEnvironment';
/** Carriage return and line feed. */
const NEWLINE_BYTE_LENGTH_MAX = 2;

/** See `Allocations.fromEnvironment`. */
export async function fromEnvironment(
  owner: Ownership,
  name: string,
  given?: IngestOptions,
): Promise<Secret> {
  const places = placesNow(name);
  owner.places.assertOpen(OPERATION);
  const options = ownOptions(given, INGEST_NAMES, 'options');
  const limits = checkLimits(options);
  const request = requestOf(options);
  const found = await fromFirst(owner, places, options, OPERATION);
  if (found === undefined) return takeVariable(owner, name, places, limits, request);
  // A variable of the same name is none of our business, but it may well be the same secret.
  tell(owner, { name, from: 'file', path: found.path, left: isSet(name) ? ['variable'] : [] });
  return found.secret;
}

/** The variable, moved into a page. What is wrong with it is found before anything changes, as far as its length tells. */
async function takeVariable(
  owner: Ownership,
  name: string,
  places: readonly CredentialPlace[],
  limits: Limits,
  request: RequestOptions,
): Promise<Secret> {
  const nowhere = () => missing(OPERATION, name, places, ' and no such variable');
  const byteLength = lengthOf(owner, name, nowhere);
  checkLength(byteLength, limits);
  const secret = await owner.allocate(byteLength, request);
  try {
    // Others may have taken or set it while this waited.
    if (lengthOf(owner, name, nowhere) !== byteLength) {
      throw inputInvalid(OPERATION, 'the variable changed while the call waited', 'changed');
    }
    const { host, index } = placeOf(secret);
    const { backend, id: region } = host.region;
    if (backend.capabilities.environment !== 'erasable') throw notErasable(backend.name);
    const range = { region, byteOffset: host.byteOffsetOf(index), byteLength };
    const { startBlock } = backend.takeEnvironment(name, range);
    finish(secret, byteLength, limits, OPERATION);
    const left: Left[] = startBlock === 'unknown' ? ['start-block'] : [];
    // An object of the program's own in its place: the real one asks the system, which has no such variable any more.
    if (isSet(name)) left.push('process.env');
    tell(owner, { name, from: 'variable', path: undefined, left });
    return secret;
  } catch (error) {
    secret.dispose();
    throw error;
  }
}

function lengthOf(owner: Ownership, name: string, nowhere: () => Error): number {
  const { backend } = owner.places.primary;
  if (backend.capabilities.environment !== 'erasable') {
    throw isSet(name) ? notErasable(backend.name) : nowhere();
  }
  const byteLength = backend.environmentByteLength(name);
  if (byteLength === undefined) throw nowhere();
  return byteLength;
}

function checkLength(byteLength: number, limits: Limits): void {
  if (byteLength === 0) throw inputInvalid(OPERATION, 'the variable is empty', 'empty');
  if (byteLength > limits.readByteLengthMax) throw tooLong(OPERATION, limits);
  const { byteLength: wanted, trimNewline } = limits;
  if (wanted === undefined) return;
  const longest = wanted + (trimNewline ? NEWLINE_BYTE_LENGTH_MAX : 0);
  if (byteLength >= wanted && byteLength <= longest) return;
  throw inputInvalid(OPERATION, `the input is not ${wanted} bytes long`, 'length');
}

/** Whether the program still sees it. The name alone is asked for, which makes no copy of the value. */
function isSet(name: string): boolean {
  // biome-ignore lint/style/noProcessEnv: this call is for whoever wants this variable looked at
  return Object.hasOwn(process.env, name);
}

function notErasable(backend: string): SecureMemoryError {
  const remedy =
    'call it in the main thread, before workers are started; on Windows give the secret in a file (fromCredentials)';
  return new SecureMemoryError(
    'ERR_SECMEM_NOT_SUPPORTED',
    `the backend ${backend} cannot erase a variable of the environment here, which is left as it is; ${remedy}`,
    { operation: OPERATION, backend, details: { remedy } },
  );
}
