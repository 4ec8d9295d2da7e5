import type { Facts } from '../facts.js';
import type { Finding } from '../finding.js';

/** Secrets in variables: everybody who may read `/proc/<pid>/environ` has them, and every child that is started. */
export function checkEnvironment({ secretNames }: Facts): Finding {
  const id = 'environment';
  if (secretNames.length === 0) {
    const says = 'no variable of the environment has a name like that of a secret';
    return { id, level: 'good', says, remedies: [] };
  }
  const names = secretNames.join(', ');
  const says = `variables of the environment look like secrets, which other processes of the user and every child can read: ${names}`;
  const remedies = [
    "take each first of all with memory.fromEnvironment('NAME'), which erases it from this process",
    'or give it as a file, which memory.fromCredentials finds: NAME_FILE, $CREDENTIALS_DIRECTORY, /run/secrets',
  ];
  return { id, level: 'note', says, remedies };
}
