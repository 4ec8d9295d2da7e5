import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import getReleasePlan from '@changesets/get-release-plan';
import { root, tryPnpm } from '@securemem/launch/workspace';
import { oldRows } from '@securemem/runtimes';
import { brokenDirections } from './imports.mjs';
import { tooLong } from './lengths.mjs';
import { brokenLinks } from './links.mjs';
import { packedProblems } from './packed.mjs';
import { peerRangeProblems, unlinkedPackages } from './peer-ranges.mjs';
import { brokenRooms, oldDrawing } from './rooms.mjs';
import { uncheckedSources } from './type-checked.mjs';
import { unpinnedActions } from './workflows.mjs';

/** Runs every check, so that one run shows all that is wrong, and exits 1 if anything is. */
const own = join(import.meta.dirname, '../node_modules/.bin');
let failed = false;

await check('format and lint', () =>
  program('node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
);
await check('dependency directions', () => report(brokenDirections(root, trackedFiles())));
await check('rooms of core', () =>
  report([...brokenRooms(root, trackedFiles()), ...oldDrawing(root)]),
);
await check('lengths of files', () => report(tooLong(root, trackedFiles())));
await check('actions of workflows', () => report(unpinnedActions(root, trackedFiles())));
await check('links', () => report(brokenLinks(root, trackedFiles())));
await check('versions and manifests', () => program(join(own, 'sherif'), []));
await check('changesets', async () => report(await unplannedRelease()));
await check('ranges of peers', () => {
  const config = JSON.parse(readFileSync(join(root, '.changeset/config.json'), 'utf8'));
  return report([...peerRangeProblems(manifests()), ...unlinkedPackages(manifests(), config)]);
});
await check('unused code and dependencies', () => program(join(own, 'knip'), ['--no-progress']));
await check('sources whose types nobody checks', () =>
  report(uncheckedSources(root, trackedFiles())),
);
await check('types', () => program('node_modules/.bin/tsc', ['-p', '.']) && typecheck());
await check('documentation of every public symbol', () =>
  program('node_modules/.bin/typedoc', ['--emit', 'none']),
);
await check('packed packages', async () => report(await packedProblems()));
await check('age of the support table', () => report(oldRows()));
process.exitCode = failed ? 1 : 0;

/** @param {string} name @param {() => boolean | Promise<boolean>} run */
async function check(name, run) {
  const startedAt = performance.now();
  const passed = await run();
  failed ||= !passed;
  const took = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(`${passed ? 'ok  ' : 'FAIL'} ${name}  ${took} s\n`);
}

/** @param {string} path @param {readonly string[]} args */
function program(path, args) {
  const result = spawnSync(path, [...args], { cwd: root, encoding: 'utf8' });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) process.stdout.write(`${result.stdout}${result.stderr}\n`);
  return result.status === 0;
}

/** @param {readonly string[]} problems */
function report(problems) {
  for (const problem of problems) process.stdout.write(`${problem}\n`);
  return problems.length === 0;
}

/** Files that git knows or would add: what is ignored is nobody's source. */
function trackedFiles() {
  const list = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const { stdout } = spawnSync('git', list, { cwd: root, encoding: 'utf8' });
  return stdout.split('\n').filter((file) => file !== '');
}

/** Why no release can be planned: a changeset that names what is no package stops the release after it was merged. */
function unplannedRelease() {
  return getReleasePlan(root).then(
    () => [],
    (error) => [String(error.message)],
  );
}

/** Of every package of the workspace, as they stand in the tree. */
function manifests() {
  return trackedFiles()
    .filter((file) => /^(packages|apps|tooling)\/[^/]+\/package\.json$/.test(file))
    .map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')));
}

function typecheck() {
  const quietly = ['--output-logs=errors-only', '--continue'];
  return tryPnpm(['exec', 'turbo', 'run', 'typecheck', ...quietly]);
}
