import { keptAndImported, signingCase } from '../private-keys.mjs';

export default signingCase('sign-key-p256', 'ES256', keptAndImported);
