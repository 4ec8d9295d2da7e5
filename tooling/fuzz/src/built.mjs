import { existsSync } from 'node:fs';

/**
 * A target in TypeScript. What it feeds are parts of a package that no caller of it can reach, so `npm run build` makes one
 * file of the target and of those parts.
 * @param {string} name @returns {Promise<import('./target.mjs').TargetDefinition>}
 */
export async function built(name) {
  const file = new URL(`../dist/${name}.js`, import.meta.url);
  if (!existsSync(file)) throw new Error(`target ${name} is not built: npm run build`);
  return (await import(file.href)).default;
}
