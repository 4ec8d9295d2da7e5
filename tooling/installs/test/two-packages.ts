import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { describe, expect, it } from 'vitest';
import { install } from '../src/project.mjs';
import { type Place, STEP_MS_MAX, withRegistry } from './place.js';

const NAMES = ['@securemem/core', '@securemem/ffi'];

/** How machine code begins on Linux, Windows and macOS, and WebAssembly, in hexadecimal digits. */
const MACHINE_CODE = /^(7f454c46|4d5a|feedfac[ef]|c[ef]faedfe|cafebabe|0061736d)/;

const SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

function beginning(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = new Uint8Array(new ArrayBuffer(4));
    readSync(descriptor, bytes);
    return Buffer.from(bytes).toString('hex');
  } finally {
    closeSync(descriptor);
  }
}

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));

/** The backend that needs nothing but Node, installed as its README says. */
export function describeTwoPackages(place: () => Place): void {
  describe('the backend on node:ffi', () => {
    it('brings exactly two packages, no machine code and no script', {
      timeout: STEP_MS_MAX,
    }, async (ctx) => {
      const { env, tarballs } = place();
      const cwd = place().folder('two-packages');
      const args = ['install', ...NAMES.map((name) => String(tarballs[name]))];
      await withRegistry(ctx, () => install('npm', args, { cwd, env }));

      const modules = join(cwd, 'node_modules');
      const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8'));
      expect(Object.keys(lock.packages).sort()).toEqual(NAMES.map((n) => `node_modules/${n}`));
      const files = filesUnder(modules);
      expect(files.length).toBeGreaterThan(NAMES.length);
      expect(files.filter((file) => MACHINE_CODE.test(beginning(file)))).toEqual([]);
      for (const name of NAMES) {
        const { scripts = {} } = JSON.parse(
          readFileSync(join(modules, name, 'package.json'), 'utf8'),
        );
        expect(Object.keys(scripts).filter((script) => SCRIPTS.includes(script))).toEqual([]);
      }
      expect(MACHINE_CODE.test(beginning(process.execPath))).toBe(true);
    });

    it('is no larger than its README says, and not much smaller', () => {
      const readme = readFileSync(join(root, 'packages', 'backend-ffi', 'README.md'), 'utf8');
      const said = /both packages have less than (\d+) KiB packed/.exec(readme)?.[1];
      const sizes = NAMES.map((name) => statSync(String(place().tarballs[name])).size / 1024);
      const kib = sizes.reduce((sum, size) => sum + size, 0);
      expect(kib).toBeLessThan(Number(said));
      expect(kib).toBeGreaterThan(Number(said) / 2);
    });
  });
}
