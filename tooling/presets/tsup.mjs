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
    clean: true,
    sourcemap: true,
    splitting: true,
    shims: true,
    ...more,
  };
}
