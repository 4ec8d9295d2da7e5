import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { describe, expect, it } from 'vitest';
import { matrix } from '../src/cells.mjs';
import { runProgram } from '../src/program.mjs';
import { type Manager, makeProject } from '../src/project.mjs';
import { firstSteps } from '../src/readme.mjs';
import type { Attempt } from '../src/table.mjs';
import { recorded } from './matrix.js';
import { full, type Place, STEP_MS_MAX, withRegistry } from './place.js';

/** Something of every entry point that has types, used so that a missing or wrong type is an error. */
const EVERY_ENTRY = `
import { createAllocator, type Allocator, type Secret, SecureMemoryError } from '@securemem/core';
import type { MemoryBackend } from '@securemem/core/contract';
import { fakeBackend, faultyBackend } from '@securemem/core/testing';
import { koffiBackend, hardenProcess as hardenByKoffi } from '@securemem/koffi';
import { napiBackend, hardenProcess as hardenByNapi } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';
import { defineKeeper, openKeeper, type Keeper } from '@securemem/keeper';
import { conformance, runConformance, type Report } from '@securemem/conformance';
import { diagnose, type Diagnosis } from 'securemem';

const backends: MemoryBackend[] = [koffiBackend(), napiBackend(), nolockBackend(), fakeBackend()];
export async function use(): Promise<number> {
  const memory: Allocator = createAllocator({ backend: nolockBackend(), onCapacity: 'throw' });
  const secret: Secret = await memory.allocate(32);
  const length: number = secret.read((bytes) => bytes.length);
  secret.dispose();
  await memory.close();
  return length + backends.length;
}
// @ts-expect-error a length is a number: were the types lost this would be no error
export const wrong = (memory: Allocator) => memory.allocate('32');
export const things = [hardenByKoffi, hardenByNapi, defineKeeper, openKeeper, conformance, runConformance];
export const more = [diagnose, faultyBackend, SecureMemoryError];
export type Types = [Keeper, Report, Diagnosis];
`;

/** How a project resolves modules, and the files that it would write. */
const RESOLUTIONS = [
  { resolution: 'NodeNext', module: 'NodeNext', extensions: ['mts', 'cts'] },
  { resolution: 'Bundler', module: 'ESNext', extensions: ['mts', 'ts'] },
] as const;

/** What a program without a word of Node in it uses. */
const WITHOUT_NODE = `
import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
export async function lengthOf(): Promise<number> {
  const memory = createAllocator({ backend: koffiBackend() });
  const [key] = await memory.allocateAll([32]);
  const length: number = key.read((bytes) => bytes.length);
  await memory.close();
  return length;
}
`;

/** The types of all packages, as a strict project sees them that does not skip the declarations of its libraries. */
export function describeTypes(place: () => Place, attempts: Attempt[]): void {
  const projects = new Map<Manager, Promise<string>>();

  async function project(manager: Manager): Promise<string> {
    const directory = join(place().directory, `types-${manager}`);
    const { env, tarballs } = place();
    const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const tools = Object.fromEntries(
      ['typescript', '@types/node'].map((name) => [name, devDependencies[name]]),
    );
    const overrides = Object.fromEntries(
      ['core', 'conformance'].map((name) => [
        `securemem>@securemem/${name}`,
        String(tarballs[`@securemem/${name}`]),
      ]),
    );
    await makeProject({
      directory,
      manager,
      dependencies: { ...tarballs, ...tools },
      overrides,
      env,
    });
    return directory;
  }

  describe('the types of all packages', () => {
    it('N35 need @types/node, and say so where it is not there', {
      timeout: STEP_MS_MAX,
    }, async (ctx) => {
      const directory = join(place().directory, 'types-without-node');
      const { env, tarballs } = place();
      const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      const ours = ['@securemem/core', '@securemem/koffi'];
      const dependencies = {
        ...Object.fromEntries(ours.map((name) => [name, String(tarballs[name])])),
        typescript: devDependencies.typescript,
      };
      await withRegistry(ctx, () => makeProject({ directory, manager: 'npm', dependencies, env }));
      writeFileSync(join(directory, 'without.mts'), WITHOUT_NODE);
      const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
      const strict = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--noEmit'];
      const compile = (...more: string[]) =>
        runProgram('node', [tsc, ...strict, ...more, 'without.mts'], { cwd: directory, env });
      // With the usual setting declarations of others are not looked into, and the program is right.
      expect(await compile('--skipLibCheck')).toEqual({ end: 0, stdout: '', stderr: '' });
      const { end, stdout } = await compile();
      expect(stdout).toContain('npm i --save-dev @types/node');
      expect(end).not.toBe(0);
    });

    for (const manager of matrix(full).managers) {
      for (const { resolution, module, extensions } of RESOLUTIONS) {
        const attempt = { where: 'TypeScript', how: `${manager} koffi`, what: resolution };
        it(`hold under ${resolution}, installed by ${manager}`, {
          timeout: STEP_MS_MAX,
        }, async (ctx) => {
          await recorded(attempts, attempt, async () => {
            const made = projects.get(manager) ?? project(manager);
            projects.set(manager, made);
            const cwd = await withRegistry(ctx, () => made);
            const files = extensions.map((extension) => `every-entry-${resolution}.${extension}`);
            for (const file of files) writeFileSync(join(cwd, file), EVERY_ENTRY);
            const first = `first-${resolution}.mts`;
            writeFileSync(join(cwd, first), firstSteps().program);
            const config = `tsconfig.${resolution}.json`;
            const compilerOptions = {
              target: 'ES2022',
              module,
              moduleResolution: resolution,
              strict: true,
              exactOptionalPropertyTypes: true,
              skipLibCheck: false,
              noEmit: true,
              types: ['node'],
            };
            const content = { compilerOptions, files: [...files, first] };
            writeFileSync(join(cwd, config), JSON.stringify(content));
            const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
            const { env } = place();
            const { end, stdout } = await runProgram('node', [tsc, '-p', config], { cwd, env });
            expect(stdout).toBe('');
            expect(end).toBe(0);
          });
        });
      }
    }
  });
}
