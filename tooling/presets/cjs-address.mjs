import { pathToFileURL } from 'node:url';

/**
 * What `import.meta.url` is in CommonJS. Not asked of a global: test environments and renderers have a `document` and a `URL`
 * of a page, which know nothing of files. In a bundle that has no `__filename` the address is missing, as `import.meta.url`
 * would be.
 */
const addressOf = () =>
  typeof __filename === 'string' ? pathToFileURL(__filename).href : undefined;

export const importMetaUrl = /* @__PURE__ */ addressOf();
