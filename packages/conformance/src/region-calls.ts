import {
  AGREEMENTS,
  DIGEST_BYTE_LENGTHS,
  isAgreementAlgorithm,
  isSignatureAlgorithm,
  KEY_TYPES,
  type KeyType,
  keyTypeOf,
  type MemoryBackend,
  type RegionId,
  SIGNATURES,
} from '@securemem/core/contract';
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
  if (backend.capabilities.environment === 'erasable') {
    const target = (region: RegionId) => ({ region, byteOffset: 0, byteLength: 8 });
    calls.push([
      'takeEnvironment',
      (region) => backend.takeEnvironment('SECUREMEM_NOT_SET', target(region)),
    ]);
  }
  return [...calls, ...keyCalls(backend)];
}

/** One call of each method for keys that the backend has, with a key whose bytes are all alike. */
function keyCalls(backend: MemoryBackend): Call[] {
  const { keys } = backend.capabilities;
  const key = (region: RegionId, type: KeyType) => {
    const byteLength = KEY_TYPES[type].privateByteLengths?.[0] ?? 8;
    return { region, byteOffset: 0, byteLength };
  };
  const calls: Call[] = [];
  const signing = keys.find(isSignatureAlgorithm);
  if (signing !== undefined) {
    const { type, digest, byteLength } = SIGNATURES[signing];
    const message = scratch(digest === undefined ? 8 : DIGEST_BYTE_LENGTHS[digest]);
    const target = () => scratch(byteLength ?? 512);
    calls.push(['sign', (region) => backend.sign(signing, key(region, type), message, target())]);
    const publicByteLength = KEY_TYPES[type].publicByteLength ?? 512;
    calls.push([
      'publicKey',
      (region) => backend.publicKey(type, key(region, type), scratch(publicByteLength)),
    ]);
  }
  const agreeing = keys.find(isAgreementAlgorithm);
  if (agreeing !== undefined) {
    const { peerByteLength, byteLength } = AGREEMENTS[agreeing];
    const peer = scratch(peerByteLength, 9);
    const secret = (region: RegionId) => ({ region, byteOffset: 128, byteLength });
    calls.push([
      'agree',
      (region) => backend.agree(agreeing, key(region, keyTypeOf(agreeing)), peer, secret(region)),
    ]);
  }
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
