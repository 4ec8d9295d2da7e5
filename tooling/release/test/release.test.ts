import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repetitions } from '@securemem/proof';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Registry } from './registry.js';
import { endOf, Tree } from './tree.js';

const full = repetitions(10) === 10;
const timeout = 1_800_000;

/** Walks the checklist of CONTRIBUTING against a registry on this machine. Packing eight packages twice takes minutes. */
if (full) describeReleases();

describe('the last look before a package leaves', () => {
  it('N6 refuses npm, which would leave workspace ranges in and the licence out', async () => {
    const guard = fileURLToPath(new URL('../src/guard.mjs', import.meta.url));
    const core = fileURLToPath(new URL('../../../packages/core', import.meta.url));
    const environment = { ...process.env, npm_config_user_agent: 'npm/11.0.0 node/v24.0.0' };
    const { status, output } = await endOf(process.execPath, [guard], core, environment);
    expect(output).toContain('not published: publish with pnpm');
    expect(status).toBe(1);
  });
});

function describeReleases(): void {
  describe('a release, walked against a registry of its own', () => {
    const directory = mkdtempSync(join(tmpdir(), 'securemem-release-'));
    let registry: Registry;
    let tree: Tree;

    beforeAll(async () => {
      const [data, copy] = ['registry', 'tree'].map((name) => join(directory, name));
      for (const made of [data, copy]) mkdirSync(String(made));
      registry = await Registry.start(String(data));
      tree = await Tree.create(String(copy), registry.environment);
    }, timeout);

    afterAll(async () => {
      await registry?.stop();
      rmSync(directory, { recursive: true, force: true });
    }, timeout);

    const names = () => [...tree.manifests().keys()];
    const published = async () => {
      const all = await Promise.all(names().map((name) => registry.versionsOf(name)));
      return Object.fromEntries(names().map((name, index) => [name, all[index]]));
    };
    const ofEvery = (versions: readonly string[]) =>
      Object.fromEntries(names().map((name) => [name, versions]));
    const ranges = () =>
      [...tree.manifests().values()].flatMap(({ peerDependencies = {} }) =>
        Object.entries(peerDependencies)
          .filter(([name]) => name.startsWith('@securemem/'))
          .map(([, range]) => range),
      );

    it('N6 nothing leaves before it has a version, by npm, or without a prebuild', {
      timeout,
    }, async () => {
      const unversioned = await tree.attempt(
        'npx',
        ['-y', 'pnpm@10.34.9', 'publish', '--no-git-checks'],
        'packages/core',
      );
      expect(unversioned.output).toContain('not published: @securemem/core: its version is 0.0.0');
      await tree.version();
      const byNpm = await tree.attempt('npm', ['publish'], 'packages/core');
      expect(byNpm.output).toContain('not published: publish with pnpm');
      tree.standInForMissingPrebuilds();
      await tree.run('node', ['tooling/release/src/sbom.mjs']);
      await tree.run('node', ['tooling/release/src/hashes.mjs']);
      const prebuild = join(tree.directory, 'packages/backend-napi/prebuilds/darwin-x64');
      renameSync(prebuild, `${prebuild}.away`);
      const incomplete = await tree.attempt(
        'npx',
        ['-y', 'pnpm@10.34.9', 'publish', '--no-git-checks'],
        'packages/backend-napi',
      );
      renameSync(`${prebuild}.away`, prebuild);
      expect(incomplete.output).toContain('prebuilds/darwin-x64/securemem.node is missing');
      for (const { status } of [unversioned, byNpm, incomplete]) expect(status).not.toBe(0);
      expect(await published()).toEqual(ofEvery([]));
    });

    it('N7 publishes every package with both bounds, a licence, its changes and its parts', {
      timeout,
    }, async () => {
      expect(new Set(ranges())).toEqual(new Set(['>=0.1.0 <0.2.0']));
      await tree.release();
      expect(names().length).toBeGreaterThanOrEqual(7);
      expect(await published()).toEqual(ofEvery(['0.1.0']));
      for (const name of names()) {
        const files = (await installed(`one-${name.split('/').at(-1)}`, [name])).filesOf(name);
        expect(files, name).toEqual([]);
      }
    });

    it('what was published runs', { timeout }, async () => {
      const project = await installed('user', ['@securemem/core', '@securemem/koffi']);
      expect(project.firstProgram()).toMatch(/^ok 32/);
    });

    it('N7 a release to 1.0.0 keeps both bounds, and takes every package along', {
      timeout,
    }, async () => {
      tree.write('.changeset/stable.md', '---\n"@securemem/core": major\n---\n\nStable.\n');
      await tree.version();
      expect(new Set([...tree.manifests().values()].map(({ version }) => version))).toEqual(
        new Set(['1.0.0']),
      );
      expect(new Set(ranges())).toEqual(new Set(['>=1.0.0 <2.0.0']));
      await tree.release();
      expect(await published()).toEqual(ofEvery(['0.1.0', '1.0.0']));
      const later = await installed('later', ['@securemem/core', '@securemem/koffi']);
      expect(later.firstProgram()).toMatch(/^ok 32/);
    });

    it('N7 control: an old backend is not installed beside a core that may break it', {
      timeout,
    }, async () => {
      const mixed = installed('mixed', ['@securemem/core@1.0.0', '@securemem/koffi@0.1.0']);
      await expect(mixed).rejects.toThrow(/ERESOLVE/);
    });

    /** An empty project with these packages from the registry. */
    async function installed(name: string, packages: readonly string[]) {
      const project = join(directory, name);
      mkdirSync(project);
      writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
      const quietly = ['--ignore-scripts', '--no-audit', '--no-fund'];
      const environment = { ...process.env, ...registry.environment };
      const { status, output } = await endOf(
        'npm',
        ['install', ...quietly, ...packages],
        project,
        environment,
      );
      if (status !== 0) throw new Error(output);
      return {
        /** Those that are missing. */
        filesOf: (one: string) =>
          ['LICENSE', 'README.md', 'CHANGELOG.md', 'sbom.cdx.json'].filter(
            (file) => !existsSync(join(project, 'node_modules', one, file)),
          ),
        firstProgram: () => {
          writeFileSync(join(project, 'program.mjs'), PROGRAM);
          return spawnSync(process.execPath, ['program.mjs'], { cwd: project, encoding: 'utf8' })
            .stdout;
        },
      };
    }
  });
}

const PROGRAM = `
  import { createAllocator } from '@securemem/core';
  import { koffiBackend } from '@securemem/koffi';
  const memory = createAllocator({ backend: koffiBackend() });
  const secret = await memory.random(32);
  console.log('ok', secret.byteLength);
  await memory.close();
`;
