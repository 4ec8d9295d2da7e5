import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Another binary than the built one: for the proof that a fault which is put back is found. */
const binaryVariable = 'SECUREMEM_FUZZ_ADDON';

/** Loads the addon without the package around it. @returns {import('./raw-addon.d.mts').RawAddon} */
export function loadAddon() {
  const require = createRequire(import.meta.url);
  const home = dirname(require.resolve('@securemem/napi/package.json'));
  const built = join(home, 'prebuilds', `${process.platform}-${process.arch}`, 'securemem.node');
  return require(process.env[binaryVariable] ?? built);
}
