import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { matrix } from '../src/cells.mjs';
import { runProgram } from '../src/program.mjs';
import { type Manager, makeProject } from '../src/project.mjs';
import { asCommonJs, firstSteps, withBackend } from '../src/readme.mjs';
import type { Attempt } from '../src/table.mjs';
import { FIRST_OUTPUT } from './first-program.js';
import { full, needsPrebuild, type Place, STEP_MS_MAX, withRegistry } from './place.js';

const FORMATS = ['esm', 'cjs'] as const;

/** What came of one thing that was tried. A test that ends early leaves `failed` behind. */
export async function recorded(
  attempts: Attempt[],
  attempt: Omit<Attempt, 'outcome'>,
  run: () => Promise<void>,
): Promise<void> {
  const entry = { ...attempt, outcome: 'FAILED' };
  attempts.push(entry);
  await run();
  entry.outcome = 'ok';
}

/** The first program on every runtime, installed by every package manager. */
export function describeMatrix(place: () => Place, attempts: Attempt[]): void {
  const { managers, runtimes } = matrix(full);
  const projects = new Map<Manager, Promise<string>>();

  /** One project for each package manager, with both backends and a program for each of them in each format. */
  async function project(manager: Manager): Promise<string> {
    const directory = join(place().directory, `matrix-${manager}`);
    const { env, tarballs } = place();
    const names = ['core', 'koffi', 'napi'].map((name) => `@securemem/${name}`);
    const dependencies = Object.fromEntries(names.map((name) => [name, String(tarballs[name])]));
    await makeProject({ directory, manager, dependencies, env });
    for (const backend of ['koffi', 'napi']) {
      const { program } = withBackend(firstSteps(), backend);
      writeFileSync(join(directory, `${backend}-esm.mjs`), program);
      writeFileSync(join(directory, `${backend}-cjs.cjs`), asCommonJs(program));
    }
    return directory;
  }

  const cells = managers.flatMap((manager) =>
    runtimes.flatMap((runtime) =>
      ['koffi', 'napi'].flatMap((backend) =>
        FORMATS.map((format) => ({ manager, runtime, backend, format })),
      ),
    ),
  );

  describe('the first program, with install scripts blocked', () => {
    for (const { manager, runtime, backend, format } of cells) {
      const where = runtime.name;
      const how = `${manager} ${backend}`;
      const name = `runs on ${where} as ${format}, installed by ${manager}, with ${backend}`;
      it(name, { timeout: STEP_MS_MAX }, async (ctx) => {
        needsPrebuild(ctx, backend);
        await recorded(attempts, { where, how, what: format }, async () => {
          const made = projects.get(manager) ?? project(manager);
          projects.set(manager, made);
          const cwd = await withRegistry(ctx, () => made);
          const [command = '', ...args] = runtime.command();
          const file = `${backend}-${format}.${format === 'esm' ? 'mjs' : 'cjs'}`;
          const { env } = place();
          const { end, stdout, stderr } = await runProgram(command, [...args, file], { cwd, env });
          expect(stdout, stderr).toMatch(FIRST_OUTPUT);
          expect({ end, stderr }).toEqual({ end: 0, stderr: '' });
        });
      });
    }
  });
}
