import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, run } from '@securemem/launch/runtime';
import { runPnpm } from '@securemem/launch/workspace';
import { BACKENDS } from './runtimes.mjs';

const PACKED = join(cache, 'packed');
const NAMES = ['core', 'conformance', ...BACKENDS];

/**
 * Packs what would be published, into a directory that is emptied first. A project below uses these files and nothing of
 * the workspace.
 * @param {string} [directory] @param {readonly string[]} [filters] as pnpm understands them
 */
export function packPackages(
  directory = PACKED,
  filters = NAMES.map((name) => `@securemem/${name}`),
) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const wanted = filters.flatMap((filter) => ['--filter', filter]);
  runPnpm(['-r', ...wanted, 'pack', '--pack-destination', directory]);
}

/**
 * An empty project with our packages installed from their tarballs for one target, install scripts blocked, as a careful
 * user would. Returns its directory.
 * @param {string} target
 */
export function installProject(target) {
  const directory = join(cache, 'projects', target);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'project', private: true, type: 'module' }),
  );
  const [os, cpu] = target.split('-');
  const tarballs = readdirSync(PACKED).map((name) => join(PACKED, name));
  const blocked = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  run('npm', ['install', ...blocked, `--os=${os}`, `--cpu=${cpu}`, ...tarballs], {
    cwd: directory,
    shell: process.platform === 'win32',
  });
  copyFileSync(new URL('suite.mjs', import.meta.url), join(directory, 'suite.mjs'));
  // A file for each backend: not every runtime keeps the query of an imported URL.
  for (const name of BACKENDS) {
    const lines = [
      `import { ${name}Backend } from '@securemem/${name}';`,
      `export const open = () => ${name}Backend();`,
    ];
    writeFileSync(join(directory, `open-${name}.mjs`), `${lines.join('\n')}\n`);
  }
  return directory;
}
