import { conformance, vitestRunner } from '@securemem/conformance';
import { repetitions } from '@securemem/proof';
import { afterAll, describe, it } from 'vitest';
import { type NapiBackendOptions, napiBackend } from '../src/index.js';

const runner = vitestRunner({ describe, it, afterAll });

/** Every mode is a backend of its own, with capabilities of its own; each value of each option is in one of them. */
const MODES: readonly NapiBackendOptions[] = [
  { kernelHidden: 'prefer', views: 'revocable' },
  { kernelHidden: 'off', views: 'none' },
];
/** What is left of all pairs: for `npm run test:full`. */
const OTHER_PAIRS: readonly NapiBackendOptions[] = [
  { kernelHidden: 'off', views: 'revocable' },
  { kernelHidden: 'prefer', views: 'none' },
];
const full = repetitions(10) === 10;

for (const mode of full ? [...MODES, ...OTHER_PAIRS] : MODES) {
  const module = new URL('./conformance-backend.mjs', import.meta.url);
  for (const [name, value] of Object.entries(mode)) module.searchParams.set(name, value);
  describe(`kernelHidden ${mode.kernelHidden}, views ${mode.views}`, () => {
    conformance({ runner, open: () => napiBackend(mode), module });
  });
}
