import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { packPackages } from '@securemem/runtimes';
import { runProgram } from './program.mjs';

/** Directories of the packages that are published, by name. @returns {Readonly<Record<string, string>>} */
export function publishedPackages() {
  const directories = readdirSync(join(root, 'packages')).map((name) =>
    join(root, 'packages', name),
  );
  const named = directories.map((directory) => {
    const { name } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return [String(name), directory];
  });
  return Object.fromEntries(named);
}

/**
 * Packs packages as they would be published, and says where each tarball is, by name.
 * @param {string} directory emptied first @param {readonly string[]} names
 * @returns {Readonly<Record<string, string>>}
 */
export function packAll(directory, names) {
  packPackages(directory, names);
  const files = readdirSync(directory);
  const located = names.map((name) => {
    const stem = name.replace('@', '').replace('/', '-');
    const file = files.find((candidate) => new RegExp(`^${stem}-\\d[^/]*\\.tgz$`).test(candidate));
    if (file === undefined) throw new Error(`${name} was not packed`);
    return [name, join(directory, file)];
  });
  return Object.fromEntries(located);
}

/**
 * The content of a tarball under another version: what npm installs beside the first when two packages ask for
 * different versions. Returns the path of the new tarball.
 * @param {string} tarball @param {string} version @param {string} directory an empty one
 */
export async function repack(tarball, version, directory) {
  const options = { cwd: directory, env: process.env };
  await must('tar', ['xzf', tarball], options);
  const manifest = join(directory, 'package', 'package.json');
  const content = JSON.parse(readFileSync(manifest, 'utf8'));
  writeFileSync(manifest, JSON.stringify({ ...content, version }, null, 2));
  await must('tar', ['czf', 'repacked.tgz', 'package'], options);
  return join(directory, 'repacked.tgz');
}

/** @param {string} command @param {readonly string[]} args @param {{ cwd: string, env: NodeJS.ProcessEnv }} options */
async function must(command, args, options) {
  const { end, stderr } = await runProgram(command, args, options);
  if (end !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${end}\n${stderr}`);
}
