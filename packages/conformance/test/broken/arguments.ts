import { isSecureMemoryError, type RegionId } from '@securemem/core/contract';
import { altered } from '../altered.js';
import type { Broken } from './breaking.js';

export const misused: readonly Broken[] = [
  {
    name: 'ignores a write to something that is no number',
    rejectedBy: ['misuse-unknown-id'],
    breakIt: (backend) =>
      altered(backend, {
        write: (region, byteOffset, source) => {
          if (typeof region === 'number') backend.write(region, byteOffset, source);
        },
      }),
  },
  {
    name: 'takes NaN for 0 in a range',
    rejectedBy: ['misuse-range'],
    breakIt: (backend) =>
      altered(backend, {
        wipe: (region, byteOffset, byteLength) =>
          backend.wipe(region, Number.isNaN(byteOffset) ? 0 : byteOffset, byteLength),
      }),
  },
  {
    name: 'copies from shared memory',
    rejectedBy: ['misuse-buffer'],
    breakIt: (backend) =>
      altered(backend, {
        write: (region, byteOffset, source) => {
          const shared = source?.buffer instanceof SharedArrayBuffer;
          backend.write(region, byteOffset, shared ? Uint8Array.from(source) : source);
        },
      }),
  },
  {
    name: 'copies the whole buffer under the source',
    rejectedBy: ['misuse-buffer-part'],
    breakIt: (backend) =>
      altered(backend, {
        write: (region, byteOffset, source) => {
          const part = source instanceof Uint8Array && source.length < source.buffer.byteLength;
          backend.write(region, byteOffset, part ? new Uint8Array(source.buffer) : source);
        },
      }),
  },
  {
    name: 'refuses an empty range at the end',
    rejectedBy: ['misuse-empty'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        wipe: (region, byteOffset, byteLength) => {
          if (byteLength === 0 && byteOffset === kernel.find(region)?.byteLength) {
            throw new RangeError('out of range');
          }
          backend.wipe(region, byteOffset, byteLength);
        },
      }),
  },
  {
    name: 'rounds the length of a region up',
    rejectedBy: ['misuse-map-length'],
    breakIt: (backend) =>
      altered(backend, {
        map: (byteLength) => {
          const page = backend.pageByteLength;
          return backend.map(byteLength > 0 ? Math.ceil(byteLength / page) * page : byteLength);
        },
      }),
  },
  {
    name: 'takes NaN for a limit to raise to',
    rejectedBy: ['misuse-raise'],
    breakIt: (backend) =>
      altered(backend, {
        raiseLockLimit: (byteLength) =>
          Number.isNaN(byteLength) ? backend.lockLimit() : backend.raiseLockLimit(byteLength),
      }),
  },
];

export const ciphers: readonly Broken[] = [
  {
    name: 'does not authenticate the associated data',
    rejectedBy: ['cipher-standard', 'cipher-tamper', 'cipher-ranges'],
    breakIt: (backend) =>
      altered(backend, {
        seal: (key, nonce, _data, plaintext, target) =>
          backend.seal(key, nonce, new Uint8Array(0), plaintext, target),
        unseal: (key, nonce, _data, source, plaintext) =>
          backend.unseal(key, nonce, new Uint8Array(0), source, plaintext),
      }),
  },
  {
    name: 'leaves a region open after seal',
    rejectedBy: ['cipher-protection'],
    breakIt: (backend) =>
      altered(backend, {
        seal: (range, nonce, data, plaintext, target) => {
          const key = { ...range };
          backend.seal(key, nonce, data, plaintext, target);
          backend.protect(key.region, 'read-write');
        },
      }),
  },
  {
    name: 'leaves plaintext when the tag is wrong',
    rejectedBy: ['cipher-tamper'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        unseal: (key, nonce, data, source, plaintext) => {
          try {
            backend.unseal(key, nonce, data, source, plaintext);
          } catch (error) {
            if (isSecureMemoryError(error, 'ERR_SECMEM_UNSEAL_FAILED')) {
              kernel.poke(plaintext.region, plaintext.byteOffset, Uint8Array.of(1));
            }
            throw error;
          }
        },
      }),
  },
  {
    name: 'keeps a copy of the key outside of its region',
    rejectedBy: ['cipher-leaves-nothing'],
    breakIt: (backend, kernel) => {
      let kept: RegionId | undefined;
      return altered(backend, {
        seal: (range, nonce, data, plaintext, target) => {
          const key = { ...range };
          backend.seal(key, nonce, data, plaintext, target);
          kept ??= backend.map(backend.pageByteLength);
          backend.write(kept, 0, kernel.peek(key.region, key.byteOffset, key.byteLength));
        },
      });
    },
  },
  {
    name: 'seals into a target that is too long',
    rejectedBy: ['cipher-misuse'],
    breakIt: (backend) =>
      altered(backend, {
        seal: (key, nonce, data, range, target) => {
          const text = { ...range };
          backend.seal(key, nonce, data, text, target.subarray(0, text.byteLength + 16));
        },
      }),
  },
  {
    name: 'checks a range and reads it again to use it',
    rejectedBy: ['cipher-ranges'],
    breakIt: (backend) =>
      altered(backend, {
        seal: (key, nonce, data, plaintext, target) => {
          if (plaintext.byteLength < 0) throw new RangeError('negative');
          backend.seal(key, nonce, data, plaintext, target);
        },
      }),
  },
  {
    name: 'looks at the target before it reads the ranges',
    rejectedBy: ['cipher-ranges'],
    breakIt: (backend) =>
      altered(backend, {
        seal: (key, nonce, data, plaintext, target) => {
          const sealed = new Uint8Array(target.length);
          backend.seal(key, nonce, data, plaintext, sealed);
          if (target.length === sealed.length) target.set(sealed);
        },
      }),
  },
];
