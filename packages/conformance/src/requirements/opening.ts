import {
  type BackendCapabilities,
  CONTRACT_VERSION,
  KEY_ALGORITHMS,
  SIGNATURES,
} from '@securemem/core/contract';
import { expect, expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';

/** Every value that a capability may have, or that may be in it where it is a list. */
const LEGAL: Readonly<Record<keyof BackendCapabilities, readonly unknown[]>> = {
  locking: ['locked', 'none'],
  lockEvidence: ['counted', 'resident', undefined],
  guardPages: [true, false],
  protection: ['no-access', 'read-only', 'none'],
  dumpExclusion: [true, false],
  forkBehaviour: ['absent', 'zeroed', 'inherited'],
  kernelHidden: [true, false],
  views: ['revocable', 'none'],
  threadExit: ['wiped', 'kept'],
  cipher: ['in-place', 'none'],
  keys: KEY_ALGORITHMS,
  keysLater: Object.keys(SIGNATURES),
  keyReferences: ['provider', 'none'],
  environment: ['erasable', 'none'],
};

export const opening: readonly Requirement[] = [
  {
    id: 'opening-identity',
    group: 'opening',
    sentence: 'open gives a backend with a lower-case name, this contract version and a page size',
    contract: 'MemoryBackend.name, contractVersion, pageByteLength',
    run: ({ backend }) => {
      expect(/^[a-z][a-z0-9-]*$/.test(backend.name), `the name is ${JSON.stringify(backend.name)}`);
      expectEqual(backend.contractVersion, CONTRACT_VERSION, 'contractVersion');
      const page = backend.pageByteLength;
      expect(Number.isInteger(Math.log2(page)) && page >= 512, `pageByteLength is ${page}`);
    },
  },
  {
    id: 'opening-capabilities',
    group: 'opening',
    sentence: 'capabilities have every field with a value of the contract, and never change',
    contract: 'BackendCapabilities',
    run: (context) => {
      const { backend } = context;
      const { keys, keysLater } = backend.capabilities;
      const known = keysLater.every((name) => keys.includes(name));
      expect(known, 'capabilities.keysLater names what capabilities.keys does not');
      const before = { ...backend.capabilities };
      for (const [name, values] of Object.entries(LEGAL)) {
        const value = before[name as keyof BackendCapabilities];
        const legal = [value].flat().every((each) => values.includes(each));
        expect(legal, `capabilities.${name} is ${JSON.stringify(value)}`);
      }
      const region = context.map();
      backend.wipe(region, 0, context.page);
      backend.unmap(region);
      expectEqual({ ...backend.capabilities }, before, 'capabilities after use');
      expectEqual({ ...context.open().capabilities }, before, 'capabilities of a second instance');
    },
  },
  {
    id: 'opening-leaves-nothing',
    group: 'opening',
    sentence:
      'open locks nothing that stays, and open with dispose leaves no lock and no descriptor',
    contract: 'BackendFactory',
    run: async (context) => {
      // The first instance may load a library; what a library maps stays and is none of our business.
      context.open()[Symbol.dispose]();
      const before = await context.evidence.counts();
      for (let round = 0; round < 5; round += 1) context.open()[Symbol.dispose]();
      const after = await context.evidence.counts();
      expectEqual(after.lockedByteLength, before.lockedByteLength, 'locked bytes');
      expectEqual(after.descriptors, before.descriptors, 'open descriptors');
    },
  },
  {
    id: 'opening-changes-nothing',
    group: 'opening',
    sentence:
      'import, open and dispose leave limits, privileges, listeners and the environment as they were',
    contract: 'BackendFactory',
    run: async ({ evidence }) => {
      const changed = await evidence.opening();
      expect(changed.length === 0, `opening changed ${changed.join(', ')} of the process`);
    },
  },
];
