import { referenceCase } from '../key-references.mjs';

export default referenceCase('reference-rsa', 'RS256', 1.1);
