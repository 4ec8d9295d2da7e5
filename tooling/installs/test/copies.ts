import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { matrix } from '../src/cells.mjs';
import { runProgram } from '../src/program.mjs';
import { type Manager, makeProject } from '../src/project.mjs';
import type { Attempt } from '../src/table.mjs';
import { repack } from '../src/tarballs.mjs';
import { ENDING, FACTS, PRELUDE } from './copies-programs.js';
import { recorded } from './matrix.js';
import { full, type Place, STEP_MS_MAX, withRegistry } from './place.js';

/** A version that satisfies nobody who asks for the first copy, so that both are installed. */
const SECOND_VERSION = '0.99.0';

/**
 * A project that uses core itself and a package that brings another version of it: package managers install both, and one
 * process loads both.
 */
async function project(place: Place, manager: Manager): Promise<string> {
  const { env, tarballs } = place;
  const core = String(tarballs['@securemem/core']);
  const second = await repack(core, SECOND_VERSION, place.folder(`second-core-${manager}`));
  const plugin = place.folder(`plugin-${manager}`);
  const manifest = {
    name: 'plugin',
    version: '1.0.0',
    type: 'module',
    exports: './index.js',
    dependencies: { '@securemem/core': `file:${second}` },
  };
  writeFileSync(join(plugin, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(plugin, 'index.js'),
    [
      `export * as core from '@securemem/core';`,
      `export const where = import.meta.resolve('@securemem/core');`,
    ].join('\n'),
  );
  await runProgram('npm', ['pack', plugin, '--silent'], { cwd: plugin, env });
  const directory = join(place.directory, `copies-${manager}`);
  const ours = ['core', 'koffi', 'nolock'].map((name) => `@securemem/${name}`);
  const dependencies = {
    ...Object.fromEntries(ours.map((name) => [name, String(tarballs[name])])),
    plugin: join(plugin, 'plugin-1.0.0.tgz'),
  };
  await makeProject({ directory, manager, dependencies, env });
  return directory;
}

/** Two copies of core in one process. */
export function describeCopies(place: () => Place, attempts: Attempt[]): void {
  for (const manager of matrix(full).managers) {
    let made: Promise<string> | undefined;
    const attempt = { where: 'two copies of core', how: `${manager} koffi` };

    async function run(file: string, program: string, onReady?: NodeJS.Signals) {
      made ??= project(place(), manager);
      const cwd = await made;
      writeFileSync(join(cwd, file), `${PRELUDE}${program}`);
      let told = false;
      return runProgram('node', [file], {
        cwd,
        env: place().env,
        onOutput: (said, child) => {
          if (told || onReady === undefined || !said.includes('ready\n')) return;
          told = true;
          child.kill(onReady);
        },
      });
    }

    describe(`two copies of core in one process, installed by ${manager}`, () => {
      for (const { name, what, program } of FACTS) {
        it(name, { timeout: STEP_MS_MAX }, async (ctx) => {
          await recorded(attempts, { ...attempt, what }, async () => {
            const { end, stderr } = await withRegistry(ctx, () => run(`${what}.mjs`, program));
            expect(end, stderr).toBe(0);
          });
        });
      }

      it('wipe what each of them holds when the process exits', {
        timeout: STEP_MS_MAX,
      }, async (ctx) => {
        await recorded(attempts, { ...attempt, what: 'exit' }, async () => {
          const program = `${ENDING}process.exit(0);`;
          const { end, stdout, stderr } = await withRegistry(ctx, () => run('exit.mjs', program));
          expect(stdout.trim().split('\n').sort(), stderr).toEqual(['exit 1', 'exit 2']);
          expect(end).toBe(0);
        });
      });

      it('wipe what each of them holds at a signal, which then ends the process', {
        timeout: STEP_MS_MAX,
      }, async (ctx) => {
        await recorded(attempts, { ...attempt, what: 'signal' }, async () => {
          const program = `${ENDING}setInterval(() => {}, 1000);\nsay('ready');`;
          const { end, stdout, stderr } = await withRegistry(ctx, () =>
            run('signal.mjs', program, 'SIGTERM'),
          );
          const lines = stdout.trim().split('\n').sort();
          expect(lines, stderr).toEqual(['SIGTERM 1', 'SIGTERM 2', 'ready']);
          expect(end).toBe('SIGTERM');
        });
      });
    });
  }
}
