// What a page calls `./store.mjs`: something that is written to and closed.
export async function openStore() {
  const lines = [];
  return { append: async (line) => lines.push(line), close: async () => {} };
}
