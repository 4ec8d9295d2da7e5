import { defineConfig } from 'vitest/config';

/** Apart from the tests of `npm test`: what is tested here must be fetched first, by `npm run test:runtimes`. */
export default defineConfig({ test: { include: ['*.test.ts'], pool: 'forks' } });
