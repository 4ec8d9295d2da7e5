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

/** The name of a credential, or `TypeError` for what could be a path. */
export function requireCredentialName(name: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name;
  throw new TypeError('name must be 1 to 200 letters, digits, _, - and dots, and no path');
}

/** See `Allocations.fromCredentials`. */
export async function fromCredentials(
  owner: Ownership,
  name: string,
  options?: IngestOptions,
): Promise<Secret> {
  const places = placesNow(name);
  owner.places.assertOpen('fromCredentials');
  const found = await fromFirst(owner, places, options, 'fromCredentials');
  if (found !== undefined) {
    tell(owner, { name, from: 'file', path: found.path, left: [] });
    return found.secret;
  }
  throw missing('fromCredentials', name, places);
}

/** The places of a credential, by the environment of this process. */
export function placesNow(name: string): readonly CredentialPlace[] {
  // biome-ignore lint/style/noProcessEnv: this call is for whoever wants these variables looked at
  return credentialPlaces(requireCredentialName(name), process.env);
}

/** What the first file holds that is there, and its path; undefined where there is none. */
export async function fromFirst(
  owner: Ownership,
  places: readonly CredentialPlace[],
  options: IngestOptions | undefined,
  operation: string,
): Promise<{ readonly secret: Secret; readonly path: string } | undefined> {
  for (const { path, named } of places) {
    try {
      return { secret: await fromFile(owner, path, options, operation), path };
    } catch (error) {
      if (named || !isMissing(error)) throw error;
    }
  }
  return undefined;
}

/** Where something of a credential is left that was found: see the event. */
export type Left = 'variable' | 'start-block' | 'process.env';

/** Says where a credential was found. */
export function tell(
  owner: Ownership,
  found: {
    readonly name: string;
    readonly from: 'file' | 'variable';
    readonly path: string | undefined;
    readonly left: readonly Left[];
  },
): void {
  owner.places.telemetry.emit('credential-found', found);
}

/** The error for a credential that is nowhere; `also` says where else it was looked for. */
export function missing(
  operation: string,
  name: string,
  places: readonly CredentialPlace[],
  also = '',
): Error {
  const paths = places.map(({ path }) => path);
  const looked = `${name}_FILE is not set, and there is no ${paths.join(' and no ')}${also}`;
  return inputInvalid(operation, `there is no such credential: ${looked}`, 'missing', { paths });
}

/** Files that nobody named, and that the permission model forbids to look for, are not there for this process. */
function isMissing(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_ACCESS_DENIED';
}
