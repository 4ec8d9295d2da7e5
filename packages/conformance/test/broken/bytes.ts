import { isSecureMemoryError, type RegionId } from '@securemem/core/contract';
import { altered } from '../altered.js';
import { afterMap, afterProtect, type Broken } from './breaking.js';

export const bytes: readonly Broken[] = [
  {
    name: 'wipes one byte less',
    rejectedBy: ['wipe-exact', 'wipe-closed', 'protect-io', 'misuse-range'],
    breakIt: (backend) =>
      altered(backend, {
        wipe: (region, byteOffset, byteLength) =>
          backend.wipe(region, byteOffset, byteLength > 0 ? byteLength - 1 : byteLength),
      }),
  },
  {
    name: 'wipes up to the next multiple of 64',
    rejectedBy: ['wipe-exact', 'protect-io'],
    breakIt: (backend) =>
      altered(backend, {
        wipe: (region, byteOffset, byteLength) => {
          backend.wipe(region, byteOffset, byteLength);
          try {
            backend.wipe(region, byteOffset, byteLength + (-byteLength & 63));
          } catch {
            // There was no room for more.
          }
        },
      }),
  },
  {
    name: 'leaves a copy of what it wipes in a corner of its own',
    rejectedBy: ['wipe-at-once'],
    breakIt: (backend, kernel) => {
      let corner: RegionId | undefined;
      return altered(backend, {
        wipe: (region, byteOffset, byteLength) => {
          if (byteLength === 32 && byteOffset === 40 && kernel.find(region) !== undefined) {
            corner ??= backend.map(backend.pageByteLength);
            backend.write(corner, 0, kernel.peek(region, byteOffset, byteLength));
          }
          backend.wipe(region, byteOffset, byteLength);
        },
      });
    },
  },
  {
    name: 'does not reach all of a closed region',
    rejectedBy: ['wipe-closed'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        wipe: (region, byteOffset, byteLength) => {
          const closed = kernel.find(region)?.facts.protection === 'no-access';
          const kept = closed ? kernel.peek(region, 0, 1) : undefined;
          backend.wipe(region, byteOffset, byteLength);
          if (kept !== undefined && byteOffset === 0 && byteLength > 0)
            kernel.poke(region, 0, kept);
        },
      }),
  },
  {
    name: 'accepts a level that it does not have',
    rejectedBy: ['protect-no-access'],
    capabilities: { protection: 'read-only' },
    breakIt: (backend) =>
      altered(backend, {
        protect: (region, protection) => {
          if (protection === 'no-access') backend.inspect([region]);
          else backend.protect(region, protection);
        },
      }),
  },
  {
    name: 'protects the next region too',
    rejectedBy: ['protect-whole-region'],
    breakIt: (backend, kernel) =>
      afterProtect(backend, (region) => {
        const next = (region + 1) as RegionId;
        const own = kernel.find(next) !== undefined && isOwn(() => backend.inspect([next]));
        if (own) backend.protect(next, kernel.protectionOf(region));
      }),
  },
  {
    name: 'takes no access for read-only',
    rejectedBy: [
      'protect-no-access',
      'protect-whole-region',
      'protect-io',
      'cipher-protection',
      'environment-exact',
      'inspect-true',
    ],
    breakIt: (backend) =>
      altered(backend, {
        protect: (region, protection) =>
          backend.protect(region, protection === 'no-access' ? 'read-only' : protection),
      }),
  },
  {
    name: 'does not make a region read-only',
    rejectedBy: [
      'protect-read-only',
      'protect-whole-region',
      'protect-io',
      'cipher-protection',
      'environment-exact',
      'inspect-true',
    ],
    breakIt: (backend) =>
      altered(backend, {
        protect: (region, protection) => {
          backend.protect(region, protection);
          if (protection === 'read-only') backend.protect(region, 'read-write');
        },
      }),
  },
  {
    name: 'leaves a closed region open after a write',
    rejectedBy: ['protect-io'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        write: (region, byteOffset, source) => {
          backend.write(region, byteOffset, source);
          if (kernel.protectionOf(region) !== 'read-write') backend.protect(region, 'read-write');
        },
      }),
  },
  {
    name: 'ignores that protect was refused',
    rejectedBy: ['error-protect-refused'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        protect: (region, protection) => {
          if (!kernel.refuses('mprotect')) backend.protect(region, protection);
        },
      }),
  },
  {
    name: 'takes an unknown level for read-write',
    rejectedBy: ['protect-unknown-level'],
    breakIt: (backend) =>
      altered(backend, {
        protect: (region, protection) => {
          const known = ['no-access', 'read-only', 'read-write'].includes(protection);
          backend.protect(region, known ? protection : 'read-write');
        },
      }),
  },
  {
    name: 'loses a byte when a region is closed',
    rejectedBy: ['protect-keeps-bytes'],
    breakIt: (backend) =>
      afterProtect(backend, (region, protection) => {
        if (protection === 'no-access') backend.wipe(region, 500, 1);
      }),
  },
  {
    name: 'leaves its regions in core files',
    rejectedBy: ['dump-flag', 'dump-core-file', 'inspect-asks'],
    breakIt: (backend, kernel) =>
      afterMap(backend, (region) => kernel.tamper(region, { dumpExcluded: false })),
  },
  {
    name: 'loses the exclusion from core files when the protection changes',
    rejectedBy: ['dump-flag-survives', 'dump-core-file'],
    breakIt: (backend, kernel) =>
      afterProtect(backend, (region) => kernel.tamper(region, { dumpExcluded: false })),
  },
  {
    name: 'claims to be hidden from the kernel and is not',
    rejectedBy: ['dump-kernel-hidden', 'wipe-at-once', 'cipher-leaves-nothing'],
    capabilities: { kernelHidden: false },
    breakIt: (backend) =>
      altered(backend, { capabilities: { ...backend.capabilities, kernelHidden: true } }),
  },
  {
    name: 'lets a forked child have the bytes',
    rejectedBy: ['fork-child', 'fork-flag'],
    breakIt: (backend, kernel) =>
      afterMap(backend, (region) => kernel.tamper(region, { forkBehaviour: 'inherited' })),
  },
  {
    name: 'forgets about children when the protection changes',
    rejectedBy: ['fork-flag', 'fork-child'],
    breakIt: (backend, kernel) =>
      afterProtect(backend, (region) => kernel.tamper(region, { forkBehaviour: 'inherited' })),
  },
  {
    name: 'answers inspect in the wrong order',
    rejectedBy: ['inspect-true'],
    breakIt: (backend) =>
      altered(backend, { inspect: (ids) => [...backend.inspect(ids)].reverse() }),
  },
  {
    name: 'answers inspect from its own notes',
    rejectedBy: ['inspect-asks'],
    breakIt: (backend) => {
      const notes = new Map<RegionId, ReturnType<typeof backend.inspect>[number]>();
      const note = (region: RegionId): void => {
        notes.set(region, backend.inspect([region])[0] ?? 'unknown');
      };
      return altered(afterProtect(afterMap(backend, note), note), {
        inspect: (ids) => {
          backend.inspect(ids);
          return ids.map((id) => notes.get(id) ?? 'unknown');
        },
      });
    },
  },
];

function isOwn(ask: () => unknown): boolean {
  try {
    ask();
    return true;
  } catch (error) {
    if (isSecureMemoryError(error)) return false;
    throw error;
  }
}
