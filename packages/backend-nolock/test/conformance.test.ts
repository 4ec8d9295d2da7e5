import { conformance, vitestRunner } from '@securemem/conformance';
import { afterAll, describe, it } from 'vitest';
import { nolockBackend } from '../src/index.js';

conformance({
  runner: vitestRunner({ describe, it, afterAll }),
  open: () => nolockBackend(),
  module: new URL('conformance-backend.mjs', import.meta.url),
});
