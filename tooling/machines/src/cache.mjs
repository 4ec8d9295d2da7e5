import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';

/** Kernels, packages and disks. Ignored by git; may be deleted at any time. */
export const cache = join(root, '.cache', 'machines');
