// What a page calls `./store.mjs`: something that is written to and closed.
export async function openStore() {
  /** @type {string[]} */
  const lines = [];
  return { append: async (/** @type {string} */ line) => lines.push(line), close: async () => {} };
}
