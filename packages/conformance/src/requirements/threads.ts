import { expect, expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';

export const threads: readonly Requirement[] = [
  {
    id: 'thread-exit',
    group: 'threads',
    sentence:
      'a thread that is terminated in mid-use leaves no byte of its regions, where that is claimed',
    contract: 'BackendCapabilities.threadExit',
    capability: 'threadExit',
    claims: ({ threadExit }) => threadExit === 'wiped',
    run: async ({ evidence, capabilities }) => {
      const { during, after } = await evidence.terminateThread();
      if (!capabilities.kernelHidden)
        expect(during > 0, 'the bytes were not even found while it ran');
      expectEqual(after, 0, 'copies after the thread was terminated');
    },
    instead: 'the process survives the end of a thread that uses a backend',
    otherwise: async ({ evidence, capabilities }) => {
      // Nothing is promised but that the process survives, which the answer itself shows.
      const { during } = await evidence.terminateThread();
      if (!capabilities.kernelHidden)
        expect(during > 0, 'the bytes were not even found while it ran');
    },
  },
];
