// Plain compilers, and what is fresh: shared by the addons of this repository. A result is written beside its name and renamed, so that
// no half-written file is ever loaded.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';

export function say(line) {
  process.stderr.write(`${line}\n`);
}

export function run(command, args, more = {}) {
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...more });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(`${command} failed with ${result.status ?? result.signal}`);
  }
}

export function tool(target, prefix, name) {
  return `${prefix}${name}${target.suffix ?? ''}`;
}

function works(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

export function compilerFor(target) {
  return target?.prefixes.find(
    (prefix) => works(tool(target, prefix, 'gcc')) && works(tool(target, prefix, 'g++')),
  );
}

/** Every file of a folder and of the folders in it. */
function filesOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** The results in one package, each made of everything in `folders`, compilers excepted. */
export class Results {
  #root;
  #folders;

  constructor(root, folders) {
    this.#root = root;
    this.#folders = folders;
  }

  isFresh(output) {
    const file = this.#stampOf(output);
    return (
      existsSync(output) && existsSync(file) && readFileSync(file, 'utf8') === this.#stamp(output)
    );
  }

  /** The result appears under its name in one step. */
  publish(made, output) {
    mkdirSync(dirname(output), { recursive: true });
    const beside = `${output}.${process.pid}`;
    copyFileSync(made, beside);
    renameSync(beside, output);
    mkdirSync(dirname(this.#stampOf(output)), { recursive: true });
    writeFileSync(this.#stampOf(output), this.#stamp(output));
  }

  /** Runs `make` in a folder of its own, which it is given: several builds may run at once. It answers what it made. */
  make(output, make) {
    mkdirSync(join(this.#root, 'build'), { recursive: true });
    const folder = mkdtempSync(join(this.#root, 'build', 'objects-'));
    try {
      this.publish(make(folder), output);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  /** A note of the sources and of the result: times prove nothing, since caches of builds put files back. */
  #stampOf(output) {
    return join(
      this.#root,
      'build',
      'stamps',
      relative(this.#root, output).replaceAll(/[\\/]/g, '_'),
    );
  }

  #stamp(output) {
    return `${this.#digestOfSources()} ${createHash('sha256').update(readFileSync(output)).digest('hex')}`;
  }

  #digestOfSources() {
    const digest = createHash('sha256');
    for (const file of this.#folders.flatMap(filesOf)) {
      digest.update(relative(this.#root, file)).update(readFileSync(file));
    }
    return digest.digest('hex');
  }
}

/** Objects of sources, each `{ path, compiler, flags }`, in a folder. */
export function compile(target, prefix, sources, folder) {
  return sources.map(({ path, compiler, flags }) => {
    const object = join(folder, `${basename(path, extname(path))}.o`);
    run(tool(target, prefix, compiler), [...flags, '-c', path, '-o', object]);
    return object;
  });
}
