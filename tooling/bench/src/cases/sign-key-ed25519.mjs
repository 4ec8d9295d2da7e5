import { keptAndImported, signingCase } from '../private-keys.mjs';

export default signingCase('sign-key-ed25519', 'Ed25519', keptAndImported);
