import { referenceCase } from '../key-references.mjs';

export default referenceCase('reference-ed25519', 'Ed25519', 1.5);
