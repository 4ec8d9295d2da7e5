/**
 * The function that opens the backend that is proved: `open` of a module, or of its default export, or that export itself.
 * @param {string} moduleUrl @returns {Promise<() => import('@securemem/core/contract').MemoryBackend>}
 */
export async function loadOpen(moduleUrl) {
  const module = await import(moduleUrl);
  const open = module.open ?? module.default?.open ?? module.default;
  if (typeof open !== 'function') throw new TypeError(`${moduleUrl} exports no function open()`);
  return open;
}
