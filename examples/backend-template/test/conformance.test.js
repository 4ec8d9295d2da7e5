import { after, describe, it } from 'node:test';
import { conformance, nodeTestRunner } from '@securemem/conformance';
import { open } from '../src/backend.js';

conformance({
  runner: nodeTestRunner({ describe, it, after }),
  open,
  module: new URL('../src/backend.js', import.meta.url),
});
