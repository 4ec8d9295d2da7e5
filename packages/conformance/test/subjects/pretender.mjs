import { createFakeKernel, fakeBackend } from '@securemem/core/testing';

/**
 * Claims everything and has nothing: a simulated backend, whose regions are ordinary memory, under evidence from the real
 * operating system. One kernel for all instances, as in a real process.
 */
const lockLimit = /** @type {const} */ ({ kind: 'unlimited' });
const kernel = createFakeKernel({ lockLimit, mappingsMax: 3000 });

export const open = () => fakeBackend({ kernel, name: 'pretender' });
