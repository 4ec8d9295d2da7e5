import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestProblems } from '@securemem/check/manifest';
import { filesOf, manifestOf } from '@securemem/check/tarball';
import { root, runPnpm } from '@securemem/launch/workspace';
import { sumProblems } from './hashes.mjs';
import { manifestIn } from './packages.mjs';

/**
 * The last look at a package before it leaves (`prepublishOnly`): it is packed, and what is in the tarball decides. Exits 1
 * with one line for each thing that is missing.
 */
const directory = process.cwd();
const agent = process.env['npm_config_user_agent'] ?? '';
const problems = agent.startsWith('pnpm/')
  ? problemsOf(filesOf(readFileSync(pack())))
  : [
      'publish with pnpm (`npm run release`): npm would leave `workspace:` ranges in and LICENSE out',
    ];

for (const problem of problems) process.stderr.write(`not published: ${problem}\n`);
process.exit(problems.length === 0 ? 0 : 1);

/** The path of a tarball like the one that would be published. */
function pack() {
  const { name } = manifestIn(directory);
  const folder = mkdtempSync(join(tmpdir(), 'securemem-guard-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  runPnpm(['--filter', name, 'pack', '--pack-destination', folder]);
  return join(folder, readdirSync(folder)[0] ?? '');
}

/** @param {ReadonlyMap<string, Buffer>} files */
function problemsOf(files) {
  const manifest = manifestOf(files);
  const { name, version } = manifest;
  const engine = manifestIn(root).engines.node;
  const missing = ['LICENSE', 'README.md', 'CHANGELOG.md', 'sbom.cdx.json', ...prebuilds()]
    .filter((path) => !files.has(path))
    .map((path) => `${name}: ${path} is missing`);
  const isUnversioned = version === '0.0.0';
  return [
    ...manifestProblems(manifest, engine),
    ...missing,
    ...sumProblems(files).map((problem) => `${name}: ${problem}`),
    ...(isUnversioned ? [`${name}: its version is 0.0.0; run \`npm run version\` first`] : []),
  ];
}

/** Binaries that the package promises. */
function prebuilds() {
  const file = join(directory, 'prebuilds.json');
  if (!existsSync(file)) return [];
  /** @type {string[]} */
  const targets = JSON.parse(readFileSync(file, 'utf8'));
  return targets.map((target) => `prebuilds/${target}/securemem.node`);
}
