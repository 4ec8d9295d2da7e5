import { referenceCase } from '../key-references.mjs';

export default referenceCase('reference-p256', 'ES256', 1.5);
