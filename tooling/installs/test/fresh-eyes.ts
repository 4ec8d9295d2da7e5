import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { confine, proveConfinement } from '@securemem/confined';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../src/program.mjs';
import { install, pinnedPnpm } from '../src/project.mjs';
import { firstSteps } from '../src/readme.mjs';
import type { Attempt } from '../src/table.mjs';
import { FIRST_OUTPUT } from './first-program.js';
import { recorded } from './matrix.js';
import { type Place, STEP_MS_MAX, withRegistry } from './place.js';

/** npm names the one package whose script it did not run, and how to look at it. The README says that it is not needed. */
const KOFFI_SCRIPT = [
  /^npm warn install-scripts( 1 package has install scripts not yet covered by allowScripts:)?$/,
  /^npm warn install-scripts +koffi@[\d.]+ \(install: .*\)$/,
  /^npm warn install-scripts Run `npm install-scripts ls` to review, or `npm install-scripts approve <pkg>` to allow\.$/,
];

/** How each package manager is told to install, in words that a reader would type, and the lines that it may complain by. */
const MANAGERS = [
  { name: 'npm', add: ['npm', 'install'], expected: KOFFI_SCRIPT },
  { name: 'pnpm', add: ['npx', '-y', pinnedPnpm(), 'add'], expected: [] },
  { name: 'yarn 1', add: ['npx', '-y', 'yarn@1.22.22', 'add'], expected: [] },
  { name: 'yarn 4', add: ['npx', '-y', '@yarnpkg/cli-dist@4.9.2', 'add'], expected: [] },
] as const;

const USER = { memlockByteLength: 65_536, as: 'user' } as const;

/**
 * The first minutes of a stranger, with each package manager as it comes: install scripts are not blocked, and what is said on
 * standard error, by the manager or by the program, is read line by line.
 */
export function describeFreshEyes(place: () => Place, attempts: Attempt[]): void {
  describe.each(MANAGERS)('a stranger with $name', ({ name, add, expected }) => {
    const attempt = { where: 'fresh eyes', how: name };
    const folder = () => join(place().directory, `fresh-${name.replace(' ', '-')}`);

    it('installs, and is told nothing but what is expected', {
      timeout: STEP_MS_MAX,
    }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'install' }, async () => {
        const { env, tarballs } = place();
        const cwd = folder();
        mkdirSync(cwd);
        const manifest = { name: 'fresh', version: '1.0.0', license: 'MIT', private: true };
        writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
        // Yarn 4 reads no settings of npm, and asks a registry of its own.
        const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' });
        const settings = [`npmRegistryServer: ${registry.trim()}`, 'nodeLinker: node-modules', ''];
        writeFileSync(join(cwd, '.yarnrc.yml'), settings.join('\n'));
        const names = firstSteps().install.split(' ').slice(2);
        const specs = names.map((one) => `${one}@file:${tarballs[one]}`);
        const [command = '', ...args] = [...add, ...specs];
        const allowed = { ...env, npm_config_ignore_scripts: 'false', CI: 'true' };
        const { stderr } = await withRegistry(ctx, () =>
          install(command, args, { cwd, env: allowed }),
        );
        const surprising = stderr
          .split('\n')
          .filter((line) => line !== '' && !expected.some((known) => known.test(line)));
        expect(surprising).toEqual([]);
        writeFileSync(join(cwd, firstSteps().file), firstSteps().program);
      });
    });

    it('runs the first program as root, and as a user under 64 KiB', {
      timeout: STEP_MS_MAX,
    }, async (ctx) => {
      const proof = proveConfinement(USER);
      if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
      await recorded(attempts, { ...attempt, what: 'run' }, async () => {
        const { env, directory } = place();
        // The user has to get to where root has installed.
        chmodSync(directory, 0o755);
        const asUser = confine(process.execPath, [firstSteps().file], USER);
        const asRoot = { command: process.execPath, args: [firstSteps().file] };
        const usual = { ...env, PATH: [env['PATH'], '/usr/bin', '/bin'].join(delimiter) };
        for (const { command, args } of [asRoot, asUser]) {
          const ended = await runProgram(command, args, { cwd: folder(), env: usual });
          const stdout = expect.stringMatching(FIRST_OUTPUT);
          expect(ended).toEqual({ end: 0, stdout, stderr: '' });
        }
      });
    });
  });
}
