import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@securemem/launch/runtime';
import { packPackages } from '@securemem/runtimes';
import { cache } from './cache.mjs';

/** What a machine has of ours, as it is published. */
const NAMES = ['core', 'conformance', 'koffi', 'napi', 'nolock', 'keeper'].map(
  (name) => `@securemem/${name}`,
);

/** Backends that are told apart in the table of kernels, and how each is opened. */
export const OPENINGS = {
  koffi:
    "koffiBackend } from '@securemem/koffi'; export const open = () => koffiBackend({ kernelHidden: 'off' })",
  'koffi-hidden':
    "koffiBackend } from '@securemem/koffi'; export const open = () => koffiBackend({ kernelHidden: 'require' })",
  napi: "napiBackend } from '@securemem/napi'; export const open = () => napiBackend({ kernelHidden: 'off' })",
  'napi-hidden':
    "napiBackend } from '@securemem/napi'; export const open = () => napiBackend({ kernelHidden: 'require' })",
};

/**
 * Packs our packages and installs them for a processor, install scripts blocked. Returns the directory of the project.
 * @param {'x64' | 'arm64'} cpu
 */
export function makeProject(cpu) {
  const packed = join(cache, 'packed');
  packPackages(packed, [...NAMES, 'securemem']);
  const directory = join(cache, 'projects', cpu);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
  const tarballs = readdirSync(packed).map((name) => join(packed, name));
  const options = [
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--prefer-offline',
  ];
  run('npm', ['install', ...options, '--os=linux', `--cpu=${cpu}`, ...tarballs], {
    cwd: directory,
  });
  for (const [name, opening] of Object.entries(OPENINGS)) {
    writeFileSync(join(directory, `open-${name}.mjs`), `import { ${opening};\n`);
  }
  return directory;
}
