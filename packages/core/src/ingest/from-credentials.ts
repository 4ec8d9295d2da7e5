import { join } from 'node:path';
import { inputInvalid } from '../lifetime/input-invalid.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { Secret } from '../secret/secret.js';
import { fromFile, type IngestOptions } from './from-file.js';

/** Where Docker and Kubernetes conventionally mount secrets. */
const MOUNTED = '/run/secrets';
/** No path can be made of it: one name, no `.` or `..`. */
const NAME = /^(?!\.{1,2}$)[\w.-]{1,200}$/;

/** A file that may hold a credential. */
export interface CredentialPlace {
  readonly path: string;
  /** Somebody said that it is there, so that it is an error where it is not. */
  readonly named: boolean;
}

/**
 * The files in which a credential may be, in the order in which they are tried. Two variables at most are looked at, one by one
 * and as the environment's own: a copy of the environment would make a string of every secret in it.
 */
export function credentialPlaces(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): readonly CredentialPlace[] {
  const own = (variable: string): string =>
    (Object.hasOwn(environment, variable) ? environment[variable] : undefined) ?? '';
  const file = own(`${name}_FILE`);
  if (file !== '') return [{ path: file, named: true }];
  const directory = own('CREDENTIALS_DIRECTORY');
  const mounted = { path: join(MOUNTED, name), named: false };
  if (directory === '') return [mounted];
  return [{ path: join(directory, name), named: false }, mounted];
}

/** See `Allocations.fromCredentials`. */
export async function fromCredentials(
  owner: Ownership,
  name: string,
  options?: IngestOptions,
): Promise<Secret> {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new TypeError('name must be 1 to 200 letters, digits, _, - and dots, and no path');
  }
  // biome-ignore lint/style/noProcessEnv: this call is for whoever wants these variables looked at
  const places = credentialPlaces(name, process.env);
  for (const { path, named } of places) {
    try {
      return await fromFile(owner, path, options, 'fromCredentials');
    } catch (error) {
      if (named || !isMissing(error)) throw error;
    }
  }
  const tried = places.map(({ path }) => path);
  throw inputInvalid(
    'fromCredentials',
    `there is no such credential: ${name}_FILE is not set, and there is no ${tried.join(' and no ')}`,
    'missing',
    { paths: tried },
  );
}

function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
