import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Every directory of these groups is a project, named after itself, so `--project core` means packages/core. */
const groups = ['packages', 'apps', 'tooling'];
const root = import.meta.dirname;

const directories = groups
  .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
  .filter((directory) => existsSync(join(root, directory, 'package.json')))
  .concat('examples');

export default defineConfig({
  test: {
    passWithNoTests: true,
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts'] },
    projects: directories.map((directory) => ({
      test: {
        name: directory.split('/').at(-1) ?? directory,
        root: join(root, directory),
        include: ['test/**/*.test.ts'],
        // Locks, limits and exit codes belong to a process: threads would share them.
        pool: 'forks' as const,
        testTimeout: 30_000,
        hookTimeout: 30_000,
      },
    })),
  },
});
