import { conformance, vitestRunner } from '@securemem/conformance';
import { afterAll, describe, it } from 'vitest';
import { koffiBackend } from '../src/index.js';

conformance({
  runner: vitestRunner({ describe, it, afterAll }),
  open: () => koffiBackend(),
  module: new URL('conformance-backend.mjs', import.meta.url),
});
