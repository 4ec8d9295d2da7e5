// Writes to its standard error whenever it can, and crashes when it is asked to.
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

console.error('noise at import');

export default defineKeeper({
  backend: () => nolockBackend(),
  provision: () => console.error('noise while it is provisioned'),
  operations: {
    echo: (payload) => payload,
    crash: () => {
      console.error('noise before the end');
      setImmediate(() => {
        throw new Error('noise of the end');
      });
      return new Promise(() => {});
    },
  },
});
