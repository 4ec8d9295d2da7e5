import { isSecureMemoryError } from '@securemem/core/contract';
import { altered } from '../altered.js';
import { type Broken, changed } from './breaking.js';

export const errors: readonly Broken[] = [
  {
    name: 'tells bytes of a region in an error',
    rejectedBy: ['error-discreet'],
    breakIt: (backend) => {
      let last = '';
      return altered(backend, {
        write: (region, byteOffset, source) => {
          backend.write(region, byteOffset, source);
          last = Buffer.from(source).toString('hex', 0, 16);
        },
        wipe: (...range) => {
          try {
            backend.wipe(...range);
          } catch (error) {
            throw isSecureMemoryError(error) ? changed(error, { message: `lost ${last}` }) : error;
          }
        },
      });
    },
  },
  {
    name: 'does not say which operation failed',
    rejectedBy: ['error-shape'],
    breakIt: (backend) =>
      altered(backend, {
        wipe: (...range) => {
          try {
            backend.wipe(...range);
          } catch (error) {
            throw isSecureMemoryError(error) ? changed(error, { operation: undefined }) : error;
          }
        },
      }),
  },
  {
    name: 'ignores that the kernel refused to keep pages out of core files',
    rejectedBy: ['error-advice-refused'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        map: (byteLength) => {
          const refused = kernel.refuses('madvise');
          kernel.allow('madvise');
          try {
            return backend.map(byteLength);
          } finally {
            if (refused) kernel.refuse('madvise');
          }
        },
      }),
  },
];
