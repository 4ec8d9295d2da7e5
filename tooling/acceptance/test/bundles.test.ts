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

/** The globals of a page, as jsdom and programs that make themselves a `document` have them. */
const PAGE = `
globalThis.document = { currentScript: null, baseURI: 'http://localhost/' };
globalThis.window = globalThis;
delete globalThis.TextEncoder;
`;

const PROBING = `
const probes = {};
for (const name of ${JSON.stringify(PACKAGES)}) {
  const found = require('@securemem/' + name)[name + 'Backend'].probe();
  probes[name] = found.available || found.reason;
}
const { openKeeper } = require('@securemem/keeper');
openKeeper({ module: 'file:///no-such-module.mjs' }).catch(({ code }) => {
  console.log(JSON.stringify({ probes, code }));
});
`;

describe('a program beside a global document', () => {
  it('N5 finds the files of every package by require, as any other program', () => {
    const said = (globals: string) => {
      const args = ['--no-warnings', '-e', `${globals}${PROBING}`];
      const child = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: HERE });
      expect(child.stderr).toBe('');
      return JSON.parse(child.stdout);
    };
    const usual = said('');
    expect(usual.probes).toMatchObject({ koffi: true, nolock: true });
    expect(usual.code).toBe('ERR_SECMEM_KEEPER_CRASHED');
    expect(said(PAGE)).toEqual(usual);
  });
});
