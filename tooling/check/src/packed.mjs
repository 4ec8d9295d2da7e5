import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { root } from '@securemem/launch/workspace';
import { packPackages } from '@securemem/runtimes';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { budgetProblems } from './budget.mjs';
import { insideShown } from './declarations.mjs';
import { licenceProblems } from './licences.mjs';
import { manifestProblems } from './manifest.mjs';
import { filesOf, freshFiles, manifestOf } from './tarball.mjs';

/** Entry points that are started as processes and never imported, so that no importer has to resolve them. */
const programs = ['./child'];

/** Packages that others take into themselves and nobody installs. */
const PRIVATE = ['@securemem/over-ffi'];

const directory = join(root, '.cache/packed');

/**
 * Packs what would be published, and looks at the tarballs by publint, by attw, and by our own rules of size, of licences
 * and of what must not get out: a check of the tree would miss what `files` leaves out. One line for each problem.
 */
export async function packedProblems() {
  packPackages(directory, ['./packages/*', ...PRIVATE.map((name) => `!${name}`)]);
  const tarballs = readdirSync(directory).sort();
  const problems = await Promise.all(tarballs.map((name) => problemsOf(name)));
  return problems.flat();
}

/** @param {string} name */
async function problemsOf(name) {
  const bytes = new Uint8Array(readFileSync(join(directory, name)));
  const files = filesOf(bytes);
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true });
  const { problems } = /** @type {import('@arethetypeswrong/core').Analysis} */ (
    await checkPackage(createPackageFromTarballData(bytes), { excludeEntrypoints: programs })
  );
  return [
    ...messages.map((message) => `publint: ${pkg.name}: ${formatMessage(message, pkg)}`),
    ...(problems ?? []).map((problem) => `attw: ${pkg.name}: ${JSON.stringify(problem)}`),
    ...manifestProblems(manifestOf(files), supportedNode()),
    ...budgetProblems(files),
    ...licenceProblems(files, join(root, manifestOf(files).repository.directory)),
    ...insideShown(files),
    ...pathsOfThisMachine(files),
  ];
}

/** The versions of Node that the workspace is for. @returns {string} */
function supportedNode() {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node;
}

/** What a reader of the package can learn about the machine that built it.
 *  @param {ReadonlyMap<string, Buffer>} files */
function pathsOfThisMachine(files) {
  return [...freshFiles(files)]
    .filter(([, content]) => content.includes(root))
    .map(([path]) => `${manifestOf(files).name}: ${path} names a directory of this machine`);
}
