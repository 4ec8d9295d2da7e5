#!/usr/bin/env node
// Builds the addon from source, for this machine and for every target that a cross compiler is installed for. One shared
// object per target in prebuilds/<platform>-<arch>/securemem.node, where node-gyp-build finds it.
//
//   build-native.mjs                       every target that can be built here
//   build-native.mjs --host-if-possible    this machine only; without a compiler it says so and succeeds
//   build-native.mjs --require a,b         fails unless these targets were built (CI)
//   build-native.mjs --node-gyp            this machine, by node-gyp: for systems that have no recipe in targets.mjs;
//                    --arch x64            or, with it, for another architecture of the same system
//   build-native.mjs --test                for tests: the addon with system calls that can be made to fail, and an addon
//                                          with an asynchronous operation, into build/test/
//                    --target win32-x64  or, with it, the first of the two for another system, into build/test-win32-x64/
//   build-native.mjs --sanitize            the addon under AddressSanitizer and UndefinedBehaviorSanitizer, into build/sanitize/
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile, compilerFor, Results, run, say, tool } from './compiling.mjs';
import {
  COMMON,
  CXX,
  HEADERS,
  HOST,
  INTERFACE,
  NATIVE,
  ROOT,
  TARGETS,
  VARIANTS,
  VENDORED,
} from './targets.mjs';

const { values: options } = parseArgs({
  options: {
    'host-if-possible': { type: 'boolean', default: false },
    'node-gyp': { type: 'boolean', default: false },
    arch: { type: 'string', default: process.arch },
    require: { type: 'string', default: '' },
    test: { type: 'boolean', default: false },
    target: { type: 'string', default: HOST },
    sanitize: { type: 'boolean', default: false },
  },
});
/** How `--test` and `--sanitize` end where there is none; anything else but 0 is a build that failed. */
const NO_COMPILER = 3;
const TEST_ADDON = join(ROOT, 'test', 'native', 'test_addon.cc');

const results = new Results(ROOT, [
  dirname(fileURLToPath(import.meta.url)),
  NATIVE,
  dirname(TEST_ADDON),
]);

/** Import libraries by which the functions of Node are looked up in the host, whatever its file is called. */
function importLibraries(target, prefix, folder) {
  return (target.imports ?? []).map((name) => {
    const library = join(folder, `lib${name}_delay.a`);
    const list = join(HEADERS, 'def', `${name}.def`);
    run(`${prefix}dlltool`, ['-d', list, '--output-delaylib', library]);
    return library;
  });
}

function sourcesOf(target, variant) {
  const c = [...COMMON, ...target.compile, ...variant.compile];
  const cxx = [...COMMON, ...CXX, ...target.compile, ...variant.compile];
  const own = target.sources.filter((name) => !variant.without.includes(name));
  return [
    ...VENDORED.map(({ path, flags }) => ({ path, compiler: 'gcc', flags: [...c, ...flags] })),
    ...own.map((name) => ({ path: join(NATIVE, name), compiler: 'g++', flags: cxx })),
  ];
}

function build(target, prefix, variant, output) {
  results.make(output, (folder) => {
    const objects = compile(target, prefix, sourcesOf(target, variant), folder);
    const libraries = importLibraries(target, prefix, folder);
    const made = join(folder, 'securemem.node');
    const linker = tool(target, prefix, target.linker ?? 'g++');
    run(linker, [...variant.link(target), ...objects, '-o', made, ...libraries]);
    return made;
  });
}

/** Where the variant of another target or under sanitizers lies, node-gyp-build looks when it is told to. */
function variantFolder(name, target) {
  if (name === 'test' && target === HOST) return 'test';
  const folder = name === 'test' ? `test-${target}` : name;
  return join(folder, 'prebuilds', target);
}

function buildVariant(name, target) {
  const output = join(ROOT, 'build', variantFolder(name, target), 'securemem.node');
  if (results.isFresh(output)) return;
  const prefix = compilerFor(TARGETS[target]);
  if (prefix === undefined) {
    say(`no compiler for ${target}`);
    process.exit(NO_COMPILER);
  }
  if (name === 'test' && target === HOST) buildTestAddon();
  build(TARGETS[target], prefix, VARIANTS[name], output);
  say(`build-native: ${relative(ROOT, output)}`);
}

/** The addon of the tests is an ordinary one, with the C++ library of this machine. */
function buildTestAddon() {
  const output = join(ROOT, 'build', 'test', 'test_addon.node');
  mkdirSync(dirname(output), { recursive: true });
  const made = `${output}.made-${process.pid}`;
  run('g++', ['-std=c++17', '-O2', '-fPIC', '-shared', ...INTERFACE, TEST_ADDON, '-o', made]);
  renameSync(made, output);
}

function buildPrebuild(name) {
  const output = join(ROOT, 'prebuilds', name, 'securemem.node');
  if (results.isFresh(output)) {
    say(`build-native: ${name} is up to date`);
    return true;
  }
  const target = TARGETS[name];
  const prefix = compilerFor(target);
  if (prefix === undefined) {
    const compilers = target.prefixes.map((candidate) => tool(target, candidate, 'g++'));
    say(`build-native: ${name} NOT BUILT: no compiler (${compilers.join(' or ')})`);
    return false;
  }
  build(target, prefix, VARIANTS.shipped, output);
  say(`build-native: ${name} built`);
  return true;
}

/** For systems without a recipe; also what a user runs where there is no prebuilt binary. */
function buildByNodeGyp() {
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  const name = `${process.platform}-${options.arch}`;
  run(process.execPath, [nodeGyp, 'rebuild', `--directory=${NATIVE}`, `--arch=${options.arch}`]);
  const output = join(ROOT, 'prebuilds', name, 'securemem.node');
  results.publish(join(NATIVE, 'build', 'Release', 'securemem.node'), output);
  rmSync(join(NATIVE, 'build'), { recursive: true, force: true });
  say(`build-native: ${name} built by node-gyp`);
}

function buildAll() {
  const names = Object.keys(TARGETS).filter(
    (name) => !options['host-if-possible'] || name === HOST,
  );
  const built = names.filter(buildPrebuild);
  if (options['host-if-possible'] && !built.includes(HOST)) {
    say(
      `\n*** @securemem/napi: NO NATIVE BINARY for ${HOST} was built: nothing about this backend is proved here. ***\n` +
        '*** Install a C++ compiler (Debian: g++), or see packages/backend-napi/README.md.                 ***\n',
    );
  }
  const missing = options.require.split(',').filter((name) => name !== '' && !built.includes(name));
  if (missing.length === 0) return;
  say(`build-native: required but not built: ${missing.join(', ')}`);
  process.exitCode = 1;
}

if (options.test) buildVariant('test', options.target);
else if (options.sanitize) buildVariant('sanitize', HOST);
else if (options['node-gyp']) buildByNodeGyp();
else buildAll();
