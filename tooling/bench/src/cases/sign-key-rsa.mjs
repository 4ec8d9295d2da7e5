import { keptAndImported, signingCase } from '../private-keys.mjs';

/** The blinding is made anew for each signature, and an import costs more or less from release to release: see docs/KEYS.md. */
export default signingCase('sign-key-rsa', 'RS256', keptAndImported);
