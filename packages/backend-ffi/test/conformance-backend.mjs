// What the suite's children import. They run the built package, as users do.
import { ffiBackend } from '../dist/index.js';

export const open = () => ffiBackend();
