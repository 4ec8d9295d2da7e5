// Writes to the pipe that only its end is meant to tell anything.
import { writeSync } from 'node:fs';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

export default defineKeeper({
  backend: () => nolockBackend(),
  operations: {
    babble: () => {
      writeSync(4, 'x');
      return new Promise(() => {});
    },
  },
});
