import { afterAll, describe, it } from 'vitest';
import { conformance, fakeEvidence, vitestRunner } from '../src/index.js';
import { fakeSubject } from './fake.js';

const { kernel, open } = fakeSubject();
conformance({
  runner: vitestRunner({ describe, it, afterAll }),
  open,
  evidence: fakeEvidence(kernel, open),
});
