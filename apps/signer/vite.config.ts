import { defineConfig } from 'vite';

/** The dashboard: one page, one script, one style sheet, nothing inlined, so that the strictest policy fits. */
export default defineConfig({
  root: 'src/dashboard',
  base: '/',
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
