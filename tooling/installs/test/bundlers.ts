import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { nodeWithFfi } from '@securemem/launch/runtime';
import { root } from '@securemem/launch/workspace';
import { describe, expect, it, type TestContext } from 'vitest';
import { inOneFile, type Section, sectionOf } from '../src/page.mjs';
import { runProgram } from '../src/program.mjs';
import { makeProject } from '../src/project.mjs';
import { asCommonJs } from '../src/readme.mjs';
import type { Attempt } from '../src/table.mjs';
import { ALONE, JEST_TEST, KEEPER_MODULE, PAGE_GLOBALS, PROGRAM } from './bundlers-programs.js';
import { recorded } from './matrix.js';
import { hasPrebuild, type Place, STEP_MS_MAX, withRegistry } from './place.js';

const TITLES = ['esbuild', 'Rollup', 'webpack', 'ncc', 'Vite'];
const NAMES = ['core', 'koffi', 'napi', 'ffi', 'nolock', 'keeper'].map(
  (name) => `@securemem/${name}`,
);

/** Node's own word for `node:ffi`: the one line that a program may find on standard error here. */
const FFI_WARNING = /^(\(\w+:\d+\) )?ExperimentalWarning: .*\n(\(Use .*\n)?$/;

/** What a bundle without the packages says, beside their `node_modules`. */
const LEFT_OUT = { koffi: true, napi: true, nolock: false, keeper: 32 };
/** What one file says with nothing beside it. */
const IN_ONE_FILE = {
  koffi: expect.stringMatching(/@securemem\/koffi left out where the program is bundled/),
  napi: expect.stringMatching(/leave @securemem\/napi out of the bundle/),
  nolock: false,
  keeper: expect.stringMatching(/leave @securemem\/keeper out of the bundle/),
};

/** Where programs are bundled, and where the bundles are run: two projects, as on the machine of a developer and on a server. */
class Workshop {
  readonly #place: Place;
  #made: Promise<void> | undefined;

  constructor(place: Place) {
    this.#place = place;
  }

  get project(): string {
    return join(this.#place.directory, 'bundled');
  }

  /** With a few usual programs on the path, which the commands of the page call. */
  get env(): NodeJS.ProcessEnv {
    const { env } = this.#place;
    return { ...env, PATH: [env['PATH'], '/usr/bin', '/bin'].join(delimiter) };
  }

  make(): Promise<void> {
    this.#made ??= this.#install();
    return this.#made;
  }

  async #install(): Promise<void> {
    const { env, tarballs } = this.#place;
    const ours = Object.fromEntries(NAMES.map((name) => [name, String(tarballs[name])]));
    const manifest = readFileSync(join(root, 'tooling/installs/bundlers/package.json'), 'utf8');
    const dependencies = { ...ours, ...JSON.parse(manifest).dependencies };
    await makeProject({ directory: this.project, manager: 'npm', dependencies, env });
    const server = join(this.#place.directory, 'server');
    await makeProject({ directory: server, manager: 'npm', dependencies: ours, env });
  }

  /** Follows a section, each of its commands by itself, and gives a folder with the output for each. */
  async build(
    { files, commands }: Section,
    where: 'server' | 'alone',
    name: string,
  ): Promise<string[]> {
    for (const [file, code] of Object.entries(files)) writeFileSync(join(this.project, file), code);
    const built: string[] = [];
    for (const line of commands) {
      const out = join(this.project, 'out');
      rmSync(out, { recursive: true, force: true });
      await this.must(line);
      const folder = join(this.#place.directory, where, `${name}-${built.length}`);
      cpSync(out, folder, { recursive: true });
      writeFileSync(join(folder, 'keeper-module.mjs'), KEEPER_MODULE);
      built.push(folder);
    }
    return built;
  }

  async must(line: string, env = this.env): Promise<void> {
    const { end, stdout, stderr } = await runProgram('sh', ['-c', line], {
      cwd: this.project,
      env,
    });
    expect(end, `${line}\n${stdout}${stderr}`).toBe(0);
  }

  /** Runs something while nothing of the project can be found: bundles may name files of the machine that built them. */
  async withoutProject<T>(run: () => Promise<T>): Promise<T> {
    const away = `${this.project}-away`;
    renameSync(this.project, away);
    try {
      return await run();
    } finally {
      renameSync(away, this.project);
    }
  }

  /** Another folder for output, with nothing above it. */
  alone(name: string): string {
    const folder = join(this.#place.directory, 'alone', name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

/** What the program in a folder says. */
async function said(folder: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  const main = readdirSync(folder).find((name) => /^(program|index)\.[cm]?js$/.test(name));
  const { end, stdout, stderr } = await runProgram('node', [String(main)], { cwd: folder, env });
  expect({ end, stderr }).toEqual({ end: 0, stderr: '' });
  return JSON.parse(stdout);
}

/** Every bundler of the page, in both ways that the page knows. */
export function describeBundlers(place: () => Place, attempts: Attempt[]): void {
  let made: Workshop | undefined;
  async function workshop(ctx: TestContext): Promise<Workshop> {
    made ??= new Workshop(place());
    const { project } = made;
    const shop = made;
    await withRegistry(ctx, () => shop.make());
    writeFileSync(join(project, 'program.mjs'), PROGRAM);
    return shop;
  }
  const leftOut = () => (hasPrebuild() ? LEFT_OUT : { ...LEFT_OUT, napi: expect.any(String) });

  describe.each(TITLES)('a program that %s bundled', (title) => {
    const attempt = { where: title, how: 'bundled' };

    it('runs with the packages left out, a keeper too', { timeout: STEP_MS_MAX }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'left out' }, async () => {
        const shop = await workshop(ctx);
        const folders = await shop.build(sectionOf(title), 'server', title);
        expect(folders.length).toBeGreaterThan(0);
        for (const folder of folders) expect(await said(folder, shop.env)).toEqual(leftOut());
      });
    });

    it('runs as one file, and says what to leave out', { timeout: STEP_MS_MAX }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'one file' }, async () => {
        const shop = await workshop(ctx);
        const all = 'export default { ssr: { noExternal: true } };';
        if (title === 'Vite') writeFileSync(join(shop.project, 'vite.config.mjs'), all);
        const folders = await shop.build(inOneFile(sectionOf(title)), 'alone', title);
        await shop.withoutProject(async () => {
          for (const folder of folders) expect(await said(folder, shop.env)).toEqual(IN_ONE_FILE);
        });
      });
    });
  });

  describe('a single executable', () => {
    const attempt = { where: 'single executable', how: 'bundled' };
    const { files, commands } = sectionOf('Node single executable');

    /** Builds one of `main` by the commands of the page, and gives its path. */
    async function executable(shop: Workshop, main: string, name: string, env = shop.env) {
      for (const line of commands) await shop.must(line.replace('program.cjs', main), env);
      const path = join(shop.alone(name), 'program');
      cpSync(join(shop.project, 'out', 'program'), path);
      return path;
    }

    it('takes the packages from beside it', { timeout: STEP_MS_MAX }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'beside' }, async () => {
        const shop = await workshop(ctx);
        for (const [name, code] of Object.entries(files)) {
          writeFileSync(join(shop.project, name), code);
        }
        const path = await executable(shop, 'program.cjs', 'beside');
        cpSync(
          join(place().directory, 'server', 'node_modules'),
          join(dirname(path), 'node_modules'),
          {
            recursive: true,
            verbatimSymlinks: true,
          },
        );
        const options = { cwd: dirname(path), env: shop.env };
        const ended = await shop.withoutProject(() => runProgram(path, [], options));
        expect(ended).toEqual({ end: 0, stdout: 'locked: true\n32\n', stderr: '' });
      });
    });

    it('of one file says what to leave out', { timeout: STEP_MS_MAX }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'one file' }, async () => {
        const shop = await workshop(ctx);
        const bundle = inOneFile(sectionOf('esbuild')).commands.find((line) =>
          line.includes('cjs'),
        );
        await shop.must(String(bundle).replace('out/program.cjs', 'whole.cjs'));
        const path = await executable(shop, 'whole.cjs', 'whole');
        const options = { cwd: dirname(path), env: shop.env };
        const { end, stdout, stderr } = await shop.withoutProject(() =>
          runProgram(path, [], options),
        );
        expect({ end, stderr }).toEqual({ end: 0, stderr: '' });
        expect(JSON.parse(stdout)).toEqual(IN_ONE_FILE);
      });
    });

    it('of one file has locked memory of node:ffi', { timeout: STEP_MS_MAX }, async (ctx) => {
      const newest = nodeWithFfi();
      if ('missing' in newest) return ctx.skip(`not proven: ${newest.missing}`);
      await recorded(attempts, { ...attempt, what: 'ffi' }, async () => {
        const shop = await workshop(ctx);
        const bin = dirname(newest.program);
        const env = { ...shop.env, PATH: [bin, shop.env['PATH']].join(delimiter) };
        writeFileSync(join(shop.project, 'alone.mjs'), ALONE);
        const bundle =
          'npx esbuild alone.mjs --bundle --platform=node --format=cjs --outfile=alone.cjs';
        await shop.must(bundle);
        const path = await executable(shop, 'alone.cjs', 'ffi', env);
        const options = { cwd: dirname(path), env };
        const { end, stdout, stderr } = await shop.withoutProject(() =>
          runProgram(path, [], options),
        );
        expect({ end, stdout }).toEqual({ end: 0, stdout: 'locked: true\n' });
        expect(stderr).toMatch(FFI_WARNING);
      });
    });
  });

  describe('beside the globals of a page', () => {
    const attempt = { where: 'globals of a page', how: 'bundled' };

    it('a program runs by import and by require', { timeout: STEP_MS_MAX }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'document' }, async () => {
        const shop = await workshop(ctx);
        const folder = join(place().directory, 'server', 'page');
        mkdirSync(folder);
        writeFileSync(join(folder, 'keeper-module.mjs'), KEEPER_MODULE);
        writeFileSync(join(folder, 'page.cjs'), PAGE_GLOBALS);
        const programs = { 'program.mjs': PROGRAM, 'program.cjs': asCommonJs(PROGRAM) };
        for (const [name, code] of Object.entries(programs)) {
          writeFileSync(join(folder, name), code);
          const args = ['--require', './page.cjs', name];
          const options = { cwd: folder, env: shop.env };
          const { end, stdout, stderr } = await runProgram('node', args, options);
          expect({ name, end, stderr }).toEqual({ name, end: 0, stderr: '' });
          expect(JSON.parse(stdout)).toEqual(leftOut());
        }
      });
    });

    it('Jest passes with jsdom', { timeout: STEP_MS_MAX }, async (ctx) => {
      await recorded(attempts, { ...attempt, what: 'Jest' }, async () => {
        const shop = await workshop(ctx);
        const { files } = sectionOf('Jest, jsdom and a global `document`');
        for (const [name, code] of Object.entries(files)) {
          writeFileSync(join(shop.project, name), code);
        }
        writeFileSync(join(shop.project, 'signer.test.js'), JEST_TEST);
        // The recipe of the documentation, without the line that Jest does not need.
        const recipe = readFileSync(join(root, 'examples/recipes/signer.test.mjs'), 'utf8');
        const forJest = asCommonJs(recipe.replace(/^import .* from 'vitest';.*\n/m, ''));
        writeFileSync(join(shop.project, 'recipe.test.js'), forJest);
        const env = { ...shop.env, HAS_ADDON: hasPrebuild() ? '1' : '0' };
        const count = hasPrebuild() ? 3 : 2;
        const options = { cwd: shop.project, env };
        const { end, stderr } = await runProgram('npx', ['jest'], options);
        expect(stderr).toContain(`Tests:       ${count} passed, ${count} total`);
        expect(end).toBe(0);
      });
    });
  });
}
