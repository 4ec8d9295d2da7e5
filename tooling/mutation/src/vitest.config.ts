import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const core = join(import.meta.dirname, '..', '..', '..', 'packages', 'core');

/** Tests of processes and threads import what was built, in which nothing is changed. */
const BUILT = /node:child_process|node:worker_threads|\.\.\/dist\//;

const tests = readdirSync(join(core, 'test'))
  .filter((name) => name.endsWith('.test.ts'))
  .filter((name) => !BUILT.test(readFileSync(join(core, 'test', name), 'utf8')));

/** The tests of core that run its source on the simulated kernel. */
export default defineConfig({
  test: {
    include: tests.map((name) => `test/${name}`),
    pool: 'forks',
    testTimeout: 60_000,
  },
});
