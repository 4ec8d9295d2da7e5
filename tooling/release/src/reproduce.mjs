import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '@securemem/launch/workspace';
import { binariesOf, sha256 } from './hashes.mjs';

const HELP = `npm run reproduce -- [--host]

Builds every addon twice, from clean copies of its sources in two folders with paths of different length, and compares the bytes with each other and
with the binaries in prebuilds/. Prints a line for each binary; exits 1 where bytes differ.

  --host   for this machine only; else for every system that a compiler is installed for
`;

/** What an addon is made of; everything else in a package is not copied, so nothing that was built before is used. */
const SOURCES = ['package.json', 'native', 'scripts', 'prebuilds.json', 'src', 'test'];
const ADDONS = ['backend-napi', 'openssl'];

const { values } = parseArgs({ options: { host: { type: 'boolean' }, help: { type: 'boolean' } } });
if (values.help) process.stdout.write(HELP);
else process.exitCode = reproduce();

function reproduce() {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-reproduce-'));
  try {
    const trees = ['a', 'a-path-that-is-longer'].map((name) => cleanTree(join(folder, name)));
    for (const tree of trees) for (const addon of ADDONS) build(join(tree, 'packages', addon));
    return compare(trees);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} tree */
function cleanTree(tree) {
  for (const addon of ADDONS) {
    const from = join(root, 'packages', addon);
    const to = join(tree, 'packages', addon);
    mkdirSync(to, { recursive: true });
    for (const name of SOURCES) {
      if (existsSync(join(from, name)))
        cpSync(join(from, name), join(to, name), { recursive: true });
    }
    symlinkSync(join(from, 'node_modules'), join(to, 'node_modules'));
  }
  return tree;
}

/** @param {string} directory */
function build(directory) {
  const which = values.host ? ['--host-if-possible'] : [];
  const script = join(directory, 'scripts', 'build-native.mjs');
  const { status } = spawnSync(process.execPath, [script, ...which], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) throw new Error(`${script} failed`);
}

/** @param {readonly string[]} trees @returns {number} */
function compare(trees) {
  let status = 0;
  let count = 0;
  for (const addon of ADDONS) {
    const [first = ''] = trees.map((tree) => join(tree, 'packages', addon));
    for (const path of binariesOf(first)) {
      const hashes = [...trees, root].map((tree) =>
        hashOf(join(tree, 'packages', addon, 'prebuilds', path)),
      );
      const [one, other, here] = hashes;
      const equal = one === other;
      const ours =
        here === undefined
          ? 'none in prebuilds/'
          : here === one
            ? 'as in prebuilds/'
            : 'DIFFERS FROM prebuilds/';
      process.stdout.write(`${equal ? 'equal  ' : 'DIFFERS'} ${addon}/${path} ${one} ${ours}\n`);
      if (!equal || (here !== undefined && here !== one)) status = 1;
      count += 1;
    }
  }
  if (count > 0) return status;
  process.stderr.write('nothing was built: there is no compiler here\n');
  return 2;
}

/** @param {string} file */
function hashOf(file) {
  return existsSync(file) ? sha256(readFileSync(file)) : undefined;
}
