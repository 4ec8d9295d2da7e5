import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Format } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { programOf, unavailable } from '../src/backends.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const PACKAGES = ['koffi', 'napi', 'ffi', 'nolock'];

const SOURCE = `
${PACKAGES.map((name) => `import { ${name}Backend } from '@securemem/${name}';`).join('\n')}
import { createAllocator } from '@securemem/core';
import { openKeeper } from '@securemem/keeper';

const probes = {};
for (const factory of [koffiBackend, napiBackend, ffiBackend, nolockBackend]) {
  const found = factory.probe();
  probes[factory.backendName] = found.available || found.reason;
}
const memory = createAllocator({ backend: nolockBackend() });
const { byteLength } = memory.allocateSync(32);
const module = new URL('file:///no-such-module.mjs');
openKeeper({ module }).catch(({ code, message }) => {
  console.log(JSON.stringify({ probes, byteLength, keeper: { code, message } }));
});
`;

const folder = mkdtempSync(join(tmpdir(), 'securemem-bundle-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file that has everything in it but what is left out, in a folder where nothing is installed. */
async function bundle(format: Format): Promise<string> {
  const outfile = join(folder, `program.${format === 'esm' ? 'mjs' : 'cjs'}`);
  const stdin = { contents: SOURCE, resolveDir: HERE };
  const options = { format, outfile, platform: 'node', bundle: true, logLevel: 'silent' } as const;
  await build({ ...options, stdin, external: ['koffi'] });
  return outfile;
}

function run(program: string, file: string) {
  // Nothing is installed above the folder for temporary files, and nothing but that may be looked through.
  const options = { encoding: 'utf8', cwd: folder, env: {} } as const;
  const child = spawnSync(program, ['--no-warnings', file], options);
  expect(child.stderr).toBe('');
  return JSON.parse(child.stdout);
}

describe('a program in one file', () => {
  writeFileSync(join(folder, 'package.json'), '{}');

  it.each(['esm', 'cjs'] as const)(
    'runs as %s, and says of what it lacks to leave it out of the bundle',
    { timeout: 120_000 },
    async (format) => {
      const { probes, byteLength, keeper } = run(process.execPath, await bundle(format));
      expect(byteLength).toBe(32);
      expect(probes.nolock).toBe(true);
      expect(probes.koffi).toMatch(/@securemem\/koffi left out where the program is bundled/);
      expect(probes.napi).toMatch(/leave @securemem\/napi out of the bundle/);
      expect(keeper.message).toMatch(/leave @securemem\/keeper out of the bundle/);
    },
  );

  it.for(['esm', 'cjs'] as const)(
    'has locked memory of node:ffi as %s, which needs nothing beside it',
    { timeout: 120_000 },
    async (format, context) => {
      const reason = unavailable('ffi');
      context.skip(reason !== undefined, `not proven: ${reason}`);
      const { probes } = run(programOf('ffi'), await bundle(format));
      expect(probes.ffi).toBe(true);
    },
  );
});
