import type { View } from '@securemem/core/contract';
import { altered } from '../altered.js';
import { type Broken, withClose } from './breaking.js';

export const views: readonly Broken[] = [
  {
    name: 'shows the whole region through the buffer of a view',
    rejectedBy: ['view-exact-range', 'view-escaped', 'view-unmap'],
    breakIt: (backend) =>
      altered(backend, {
        openView: (region, byteOffset, byteLength) => {
          backend.openView(region, byteOffset, byteLength).close();
          const pages = Math.ceil((byteOffset + byteLength) / backend.pageByteLength);
          const whole = backend.openView(region, 0, pages * backend.pageByteLength);
          const bytes = whole.bytes.subarray(byteOffset, byteOffset + byteLength);
          return { bytes, close: () => whole.close(), aliasAlive: () => whole.aliasAlive() };
        },
      }),
  },
  {
    name: 'shows a copy that it writes back when the view is closed',
    rejectedBy: [
      'view-same-memory',
      'view-exact-range',
      'view-honest-close',
      'view-revoked',
      'dispose-spares-views',
      'view-unmap',
    ],
    breakIt: (backend) =>
      altered(backend, {
        openView: (region, byteOffset, byteLength) => {
          const real = backend.openView(region, byteOffset, byteLength);
          const bytes = real.bytes.slice();
          const close = (): ReturnType<View['close']> => {
            if (bytes.length === 0) return real.close() === 'revoked' ? 'escaped' : real.close();
            real.bytes.set(bytes);
            structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
            return real.close();
          };
          let outcome: ReturnType<View['close']> | undefined;
          return {
            bytes,
            close: () => {
              outcome ??= close();
              return outcome;
            },
            aliasAlive: () => (outcome === 'escaped' ? 'unknown' : outcome === undefined),
          };
        },
      }),
  },
  {
    name: 'says revoked and revokes nothing',
    rejectedBy: [
      'view-revoked',
      'view-escaped',
      'view-honest-close',
      'view-captured-functions',
      'view-many',
      'view-unmap',
      'cycles-leave-nothing',
      'dispose-releases',
    ],
    breakIt: (backend) => withClose(backend, () => 'revoked'),
  },
  {
    name: 'reports an escaped view as revoked',
    rejectedBy: ['view-escaped'],
    breakIt: (backend) =>
      withClose(backend, (view) => {
        const outcome = view.close();
        return outcome === 'escaped' ? 'revoked' : outcome;
      }),
  },
  {
    name: 'denies that an alias of an escaped view lives',
    rejectedBy: ['view-escaped'],
    breakIt: (backend) =>
      altered(backend, {
        openView: (...range) => {
          const view = backend.openView(...range);
          return { bytes: view.bytes, close: () => view.close(), aliasAlive: () => false };
        },
      }),
  },
  {
    name: 'believes what a buffer says of its own length',
    rejectedBy: ['view-honest-close', 'view-captured-functions'],
    breakIt: (backend) =>
      altered(backend, {
        openView: (...range) => {
          const view = backend.openView(...range);
          const { bytes } = view;
          const { buffer } = bytes;
          const close = (): ReturnType<View['close']> =>
            (buffer.byteLength as unknown) === 0 && bytes.length > 0 ? 'escaped' : view.close();
          return { bytes, close, aliasAlive: () => view.aliasAlive() };
        },
      }),
  },
  {
    name: 'closes every view of a region with the first',
    rejectedBy: ['view-many', 'view-revoked'],
    breakIt: (backend) => {
      const open = new Set<View>();
      return altered(backend, {
        openView: (...range) => {
          const view = backend.openView(...range);
          open.add(view);
          const close = (): ReturnType<View['close']> => {
            for (const other of open) other.close();
            open.clear();
            return view.close();
          };
          return { bytes: view.bytes, close, aliasAlive: () => view.aliasAlive() };
        },
      });
    },
  },
  {
    name: 'claims no views and gives copies',
    rejectedBy: [
      'view-exact-range',
      'view-same-memory',
      'view-revoked',
      'view-escaped',
      'view-honest-close',
      'view-captured-functions',
      'view-many',
      'view-unmap',
    ],
    capabilities: { views: 'none' },
    breakIt: (backend) =>
      altered(backend, {
        openView: (region, byteOffset, byteLength) => {
          const bytes = new Uint8Array(byteLength);
          backend.read(region, byteOffset, bytes);
          return { bytes, close: () => 'revoked', aliasAlive: () => false };
        },
      }),
  },
  {
    name: 'takes the views of a region away to unmap it',
    rejectedBy: ['view-unmap'],
    breakIt: (backend) => {
      const open = new Map<number, View[]>();
      return altered(backend, {
        openView: (region, ...range) => {
          const view = backend.openView(region, ...range);
          open.set(region, [...(open.get(region) ?? []), view]);
          return view;
        },
        unmap: (region) => {
          for (const view of open.get(region) ?? []) view.close();
          backend.unmap(region);
        },
      });
    },
  },
];
