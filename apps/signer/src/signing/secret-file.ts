import { closeSync, fstatSync, openSync } from 'node:fs';
import { VaultError } from './vault.js';

/** What others may do with a file: any of it is too much for a secret. */
const OTHERS = 0o077;

/**
 * Opens a file that holds a secret, for reading; the caller closes the descriptor. `VAULT_UNSAFE_FILE` when others than
 * its owner may read or change it, or when its owner is neither this user nor root: then it is nobody's secret. Errors of
 * the system pass. `what` names the file in messages.
 *
 * The descriptor is asked, not the path: between a look and an opening there could be another file.
 */
export function openSecretFile(path: string, what: string): number {
  const descriptor = openSync(path, 'r');
  try {
    requirePrivate(descriptor, what);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function requirePrivate(descriptor: number, what: string): void {
  const user = process.getuid?.();
  // Windows has no such modes.
  if (user === undefined) return;
  const { mode, uid } = fstatSync(descriptor);
  if ((mode & OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    const detail = `${what} has the mode ${octal}, so others can use it: chmod 600`;
    throw new VaultError('VAULT_UNSAFE_FILE', detail);
  }
  if (uid !== user && uid !== 0) {
    throw new VaultError('VAULT_UNSAFE_FILE', `${what} belongs to another user`);
  }
}
