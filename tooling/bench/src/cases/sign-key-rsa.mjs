import { signingCase } from '../private-keys.mjs';

/** The blinding is made anew for each signature, which is half of its time: see docs/KEYS.md. */
export default signingCase('sign-key-rsa', 'RS256', (name) => [
  { times: 3, name, subject: 'key-object' },
]);
