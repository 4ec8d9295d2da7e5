/** One build for every published package: ESM and CommonJS with types, for the oldest supported Node.
 *  @param {Record<string, string>} entry output name -> source file
 *  @param {import('tsup').Options} [more] */
export function library(entry, more = {}) {
  return {
    entry,
    format: ['esm', 'cjs'],
    dts: true,
    target: 'node20',
    platform: 'node',
    // Not emptied first: whoever imports the package while it is being built would find nothing, or half of it. Files
    // that a build no longer writes stay behind on a developer's machine; releases are built from a fresh clone.
    clean: false,
    sourcemap: true,
    splitting: true,
    shims: true,
    ...more,
  };
}

/**
 * For a package that takes a private one into itself: its code is bundled in any case, and with this its types are too.
 * @param {string} name @param {string} source its entry, from the package that is built
 * @returns {import('tsup').Options}
 */
export function bundling(name, source) {
  return { dts: { compilerOptions: { paths: { [name]: [source] } } } };
}
