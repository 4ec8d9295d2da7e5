export const IN_USE = 'ERR_SECMEM_IN_USE';

export const lentForWriting = ({ leases }) => leases.some(({ mode }) => mode === 'write');
export const refusalOf = (busy) => (busy ? [IN_USE] : []);

/** What fails the test: the allocator and the model differ. */
export function demand(condition, what) {
  if (!condition) throw new Error(`the allocator differs from the model: ${what}`);
}

export function demandZeros(bytes, what) {
  // What is detached has no length, and cannot even be asked.
  demand(bytes.length === 0 || bytes.every((byte) => byte === 0), what);
}
