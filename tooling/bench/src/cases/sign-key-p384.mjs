import { keptAndImported, signingCase } from '../private-keys.mjs';

export default signingCase('sign-key-p384', 'ES384', keptAndImported);
