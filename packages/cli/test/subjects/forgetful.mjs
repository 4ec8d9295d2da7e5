import { nolockBackend } from '@securemem/nolock';

/** Claims that it wipes, and does not. */
export function open() {
  const inner = nolockBackend();
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'wipe') return () => {};
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
