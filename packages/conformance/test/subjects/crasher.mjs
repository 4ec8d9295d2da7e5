import { createFakeKernel, fakeBackend } from '@securemem/core/testing';

/** Ends its process when it is asked to wipe nothing, and once more when a view is opened on a single byte. */
const lockLimit = /** @type {const} */ ({ kind: 'unlimited' });
const kernel = createFakeKernel({ lockLimit, mappingsMax: 3000 });

export const open = () => {
  const backend = fakeBackend({ kernel, name: 'crasher' });
  const { wipe, openView } = backend;
  backend.wipe = (...range) => {
    if (range[2] === 0) process.kill(process.pid, 'SIGKILL');
    wipe.apply(backend, range);
  };
  backend.openView = (...range) => {
    if (range[2] === 1) process.exit(7);
    return openView.apply(backend, range);
  };
  return backend;
};
