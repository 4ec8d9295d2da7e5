// api-key.mjs
const text = new TextDecoder();

/** Asks with `Authorization: Bearer KEY`. @param {import('@securemem/core').Secret} key @param {string | URL} url */
export function get(key, url) {
  // `fetch` takes nothing but strings: this one lies in the heap until the collector comes by.
  const authorization = `Bearer ${key.read((bytes) => text.decode(bytes))}`;
  return fetch(url, { headers: { authorization } });
}
