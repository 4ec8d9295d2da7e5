import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilersOnPath } from '../src/machine.mjs';
import { runProgram } from '../src/program.mjs';
import { install } from '../src/project.mjs';
import { firstSteps, withBackend } from '../src/readme.mjs';
import { full, needsPrebuild, type Place, STEP_MS_MAX, withRegistry } from './place.js';

/** What the first program says: that the secret is locked, an HMAC, and the length of the view. */
export const FIRST_OUTPUT = /^locked: true\n[0-9a-f]{64}\n32\n$/;

/** What a newcomer is promised, from the first command to the output. */
const FIRST_PROGRAM_MS_MAX = 120_000;

/** A newcomer with an empty folder, the README and nothing else; names of packages stand for their tarballs. */
export function describeFirstProgram(place: () => Place): void {
  /** A command of the README, with tarballs for names. */
  const words = (line: string) => {
    const [command = '', ...args] = line.split(' ');
    return { command, args: args.map((word) => place().tarballs[word] ?? word) };
  };

  describe('the first program of the README', () => {
    for (const backend of ['koffi', 'napi']) {
      const name = `works in an empty folder in under two minutes with ${backend}`;
      it(name, { timeout: STEP_MS_MAX }, async (ctx) => {
        needsPrebuild(ctx, backend);
        const { env } = place();
        expect(compilersOnPath(env)).toEqual([]);
        const cwd = place().folder(`first-${backend}`);
        const steps = withBackend(firstSteps(), backend);
        const startedAt = performance.now();

        const { command, args } = words(steps.install);
        await withRegistry(ctx, () => install(command, args, { cwd, env }));
        writeFileSync(join(cwd, steps.file), steps.program);
        const start = words(String(steps.commands[0]));
        const { end, stdout, stderr } = await runProgram(start.command, start.args, { cwd, env });

        expect(stdout, stderr).toMatch(FIRST_OUTPUT);
        expect(end).toBe(0);
        expect(performance.now() - startedAt).toBeLessThan(FIRST_PROGRAM_MS_MAX);
        const ours = readdirSync(join(cwd, 'node_modules', '@securemem')).sort();
        expect(ours).toEqual(['core', backend]);
        // What koffi would build in its install script comes in a package of its own instead.
        const library = join(
          cwd,
          'node_modules',
          '@koromix',
          `koffi-${process.platform}-${process.arch}`,
        );
        expect(existsSync(library)).toBe(backend === 'koffi');
        expect(existsSync(join(cwd, 'node_modules', 'koffi', 'build'))).toBe(false);
      });
    }

    if (!full) return;
    it('is followed by a doctor that knows this machine', { timeout: STEP_MS_MAX }, async () => {
      const { env, tarballs } = place();
      // Where the first program was installed: the doctor looks at what is there.
      const cwd = join(place().directory, 'first-koffi');
      const [, doctor = ''] = firstSteps().commands;
      const [npx = '', ...rest] = doctor.split(' ');
      // What `npx` would find in the registry once it is published: the program and what it depends on.
      const names = ['@securemem/core', '@securemem/conformance', 'securemem'];
      const packages = names.flatMap((name) => ['-p', String(tarballs[name])]);
      const { end, stdout, stderr } = await runProgram(npx, ['-y', ...packages, ...rest], {
        cwd,
        env,
      });
      expect(stdout, stderr).toMatch(/@securemem\/koffi locked a page and gave it back/);
      expect({ end, stderr }).toEqual({ end: 0, stderr: '' });
    });
  });
}
