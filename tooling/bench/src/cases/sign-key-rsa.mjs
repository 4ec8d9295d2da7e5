import { signingCase } from '../private-keys.mjs';

/** The blinding is made anew for each signature, which is half of its time: see docs/KEYS.md. */
export default signingCase('sign-key-rsa', 'RS256', (name) => [
  { times: 2.2, name, subject: 'key-object' },
  { times: 2.2, name, subject: 'import' },
]);
