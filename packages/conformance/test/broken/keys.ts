import {
  isSecureMemoryError,
  type KeyAlgorithm,
  type RegionId,
  type RegionRange,
} from '@securemem/core/contract';
import { altered } from '../altered.js';
import type { Broken } from './breaking.js';

/** A range whose fields were read once. */
const read = ({ region, byteOffset, byteLength }: RegionRange): RegionRange => ({
  region,
  byteOffset,
  byteLength,
});

/** One of each family that is not slow, and of each kind of call. */
const KEYS: readonly KeyAlgorithm[] = ['Ed25519', 'ES256', 'RS256', 'X25519', 'ECDH-P-256'];

const breaking: readonly Omit<Broken, 'capabilities'>[] = [
  {
    name: 'signs with the first key of each algorithm that it saw',
    rejectedBy: ['keys-fresh'],
    breakIt: (backend, kernel) => {
      const first = new Map<string, Uint8Array>();
      return altered(backend, {
        sign: (algorithm, range, message, target) => {
          const key = read(range);
          const kept = first.get(algorithm);
          if (kept?.length !== key.byteLength) {
            const written = backend.sign(algorithm, key, message, target);
            first.set(algorithm, kernel.peek(key.region, key.byteOffset, key.byteLength));
            return written;
          }
          const scratch = backend.map(2 * backend.pageByteLength);
          backend.write(scratch, 0, kept);
          try {
            return backend.sign(
              algorithm,
              { ...key, region: scratch, byteOffset: 0 },
              message,
              target,
            );
          } finally {
            backend.unmap(scratch);
          }
        },
      });
    },
  },
  {
    name: 'tells the public key that it calculated before',
    rejectedBy: ['keys-fresh'],
    breakIt: (backend) => {
      const known = new Map<string, Uint8Array>();
      return altered(backend, {
        publicKey: (type, key, target) => {
          const before = known.get(type);
          if (before !== undefined && before.length <= target.length) {
            target.set(before);
            return before.length;
          }
          const written = backend.publicKey(type, key, target);
          known.set(type, target.slice(0, written));
          return written;
        },
      });
    },
  },
  {
    name: 'keeps a copy of a private key outside of its region',
    rejectedBy: ['keys-leave-nothing'],
    breakIt: (backend, kernel) => {
      let kept: RegionId | undefined;
      return altered(backend, {
        sign: (algorithm, range, message, target) => {
          const key = read(range);
          const written = backend.sign(algorithm, key, message, target);
          kept ??= backend.map(2 * backend.pageByteLength);
          backend.write(kept, 0, kernel.peek(key.region, key.byteOffset, key.byteLength));
          return written;
        },
      });
    },
  },
  {
    name: 'frees a big number without overwriting it',
    rejectedBy: ['keys-leave-nothing'],
    breakIt: (backend, kernel) => {
      let heap: RegionId | undefined;
      return altered(backend, {
        publicKey: (type, range, target) => {
          const key = read(range);
          const written = backend.publicKey(type, key, target);
          heap ??= backend.map(2 * backend.pageByteLength);
          const number = kernel.peek(key.region, key.byteOffset, key.byteLength).reverse();
          backend.write(heap, 0, number);
          return written;
        },
      });
    },
  },
  {
    name: 'agrees with a point beside the curve',
    rejectedBy: ['keys-invalid'],
    breakIt: (backend) =>
      altered(backend, {
        agree: (algorithm, key, peer, secret) => {
          try {
            backend.agree(algorithm, key, peer, secret);
          } catch (error) {
            if (!isSecureMemoryError(error, 'ERR_SECMEM_PEER_INVALID')) throw error;
          }
        },
      }),
  },
  {
    name: 'leaves something in the range of a secret that was refused',
    rejectedBy: ['keys-invalid'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        agree: (algorithm, key, peer, range) => {
          const secret = read(range);
          try {
            backend.agree(algorithm, key, peer, secret);
          } catch (error) {
            if (isSecureMemoryError(error, 'ERR_SECMEM_PEER_INVALID')) {
              kernel.poke(secret.region, secret.byteOffset, Uint8Array.of(1));
            }
            throw error;
          }
        },
      }),
  },
  {
    name: 'takes a key that is none',
    rejectedBy: ['keys-invalid'],
    breakIt: (backend) =>
      altered(backend, {
        publicKey: (type, key, target) => {
          try {
            return backend.publicKey(type, key, target);
          } catch (error) {
            if (isSecureMemoryError(error, 'ERR_SECMEM_KEY_INVALID')) return target.length;
            throw error;
          }
        },
      }),
  },
  {
    name: 'leaves the region of a key open after it signed',
    rejectedBy: ['keys-protection'],
    breakIt: (backend) =>
      altered(backend, {
        sign: (algorithm, range, message, target) => {
          const key = read(range);
          const written = backend.sign(algorithm, key, message, target);
          backend.protect(key.region, 'read-write');
          return written;
        },
      }),
  },
  {
    name: 'fills a digest up that is too short',
    rejectedBy: ['keys-misuse'],
    breakIt: (backend) =>
      altered(backend, {
        sign: (algorithm, key, message, target) => {
          const short = algorithm !== 'Ed25519' && [31, 47, 63].includes(message.length);
          const whole = new Uint8Array(new ArrayBuffer(message.length + (short ? 1 : 0)));
          whole.set(message);
          return backend.sign(algorithm, key, whole, target);
        },
      }),
  },
  {
    name: 'checks the range of a key and reads it again to use it',
    rejectedBy: ['keys-ranges'],
    breakIt: (backend) =>
      altered(backend, {
        sign: (algorithm, key, message, target) => {
          if (key.byteLength < 0) throw new RangeError('negative');
          return backend.sign(algorithm, key, message, target);
        },
      }),
  },
  {
    name: 'claims an algorithm that it refuses',
    rejectedBy: [
      'keys-known',
      'keys-fresh',
      'keys-protection',
      'keys-leave-nothing',
      'keys-invalid',
      'keys-misuse',
      'keys-ranges',
    ],
    breakIt: (backend) =>
      altered(backend, {
        sign: (algorithm, ...rest) => {
          const name = algorithm === 'ES256' ? 'ES384' : algorithm;
          return backend.sign(name, ...rest);
        },
      }),
  },
];

const later: readonly Broken[] = [
  {
    name: 'signs later what was revoked, from what lies there by then',
    rejectedBy: ['keys-later'],
    capabilities: { keys: ['RS256'], keysLater: ['RS256'] },
    breakIt: (backend) =>
      altered(backend, {
        signLater: (...given) => {
          const { signature } = backend.signLater(...given);
          return { signature, revoke: () => {} };
        },
      }),
  },
  {
    name: 'signs later what the message has become',
    rejectedBy: ['keys-later'],
    capabilities: { keys: ['RS256'], keysLater: ['RS256'] },
    breakIt: (backend) =>
      altered(backend, {
        signLater: (algorithm, key, message) => {
          const first = backend.signLater(algorithm, key, message);
          const signature = first.signature.then(
            () => backend.signLater(algorithm, key, message).signature,
          );
          return { signature, revoke: () => first.revoke() };
        },
      }),
  },
];

const references: readonly Broken[] = [
  {
    name: 'gives a reference that nothing can use, without claiming any',
    rejectedBy: ['key-references'],
    breakIt: (backend) => altered(backend, { openKey: () => ({ pem: '', close: () => {} }) }),
  },
];

export const privateKeys: readonly Broken[] = [
  ...references,
  ...breaking.map((one) => ({ ...one, capabilities: { keys: KEYS, keysLater: [] } })),
  ...later,
];
