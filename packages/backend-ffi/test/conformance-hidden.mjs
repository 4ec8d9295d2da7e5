// The same backend with pages that the kernel has no mapping of.
import { ffiBackend } from '../dist/index.js';

export const open = () => ffiBackend({ kernelHidden: 'require' });
