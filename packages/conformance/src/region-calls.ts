import type { MemoryBackend, RegionId } from '@securemem/core/contract';
import { scratch } from './bytes.js';

type Call = readonly [name: string, call: (region: RegionId) => unknown];

/** Every method that takes a region, as a call with arguments that are otherwise good. */
export function callsOnRegion(backend: MemoryBackend): readonly Call[] {
  const calls: Call[] = [
    ['protect', (region) => backend.protect(region, 'read-write')],
    ['wipe', (region) => backend.wipe(region, 0, 8)],
    ['read', (region) => backend.read(region, 0, scratch(8))],
    ['write', (region) => backend.write(region, 0, scratch(8, 1))],
    ['inspect', (region) => backend.inspect([region])],
    ['unmap', (region) => backend.unmap(region)],
  ];
  if (backend.capabilities.views === 'revocable') {
    calls.push(['openView', (region) => backend.openView(region, 0, 8)]);
  }
  if (backend.capabilities.cipher === 'in-place') calls.push(...cipherCalls(backend));
  return calls;
}

function cipherCalls(backend: MemoryBackend): Call[] {
  const key = (region: RegionId) => ({ region, byteOffset: 0, byteLength: 32 });
  const text = (region: RegionId) => ({ region, byteOffset: 32, byteLength: 8 });
  const [nonce, data] = [scratch(12), scratch(0)];
  return [
    ['seal', (region) => backend.seal(key(region), nonce, data, text(region), scratch(24))],
    ['unseal', (region) => backend.unseal(key(region), nonce, data, scratch(24), text(region))],
  ];
}

/** Every method that takes no region. */
export function callsWithoutRegion(backend: MemoryBackend): readonly Call[] {
  return [
    ['lockLimit', () => backend.lockLimit()],
    ['raiseLockLimit', () => backend.raiseLockLimit(0)],
    ['lockedByteLength', () => backend.lockedByteLength()],
    ['map', () => backend.map(backend.pageByteLength)],
    ['inspect of nothing', () => backend.inspect([])],
  ];
}
