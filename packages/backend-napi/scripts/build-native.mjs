#!/usr/bin/env node
// Builds the addon from source with plain compilers, for this machine and for every target that a cross compiler is
// installed for. One shared object per target in prebuilds/<platform>-<arch>/securemem.node, where node-gyp-build finds it.
//
//   build-native.mjs                       every target that can be built here
//   build-native.mjs --host-if-possible    this machine only; without a compiler it says so and succeeds
//   build-native.mjs --require a,b         fails unless these targets were built (CI)
//   build-native.mjs --test                test build with failing system calls, into build/test/
//   build-native.mjs --sanitize            test build with AddressSanitizer and UndefinedBehaviorSanitizer, into build/sanitize/
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const NATIVE = join(ROOT, 'native');
const HEADERS = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
const ADDON_API = dirname(createRequire(import.meta.url).resolve('node-addon-api/package.json'));
const HOST = `${process.platform}-${process.arch}`;

const { values: options } = parseArgs({
  options: {
    'host-if-possible': { type: 'boolean', default: false },
    require: { type: 'string', default: '' },
    test: { type: 'boolean', default: false },
    sanitize: { type: 'boolean', default: false },
  },
});

const COMMON = ['-O2', '-fvisibility=hidden', '-ffunction-sections', '-fdata-sections'];
const CXX = [
  '-std=c++17',
  '-Wall',
  '-Wextra',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=securemem',
  '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  `-I${join(HEADERS, 'include')}`,
  `-I${ADDON_API}`,
];
const SHARED = ['addon.cc', 'region_table.cc', 'cipher.cc', 'freestanding.cc'];
const LINUX = {
  sources: [...SHARED, 'pages_linux.cc', 'proc_linux.cc'],
  compile: ['-fPIC'],
  // No library is asked for: the symbols of the C library come from the runtime, so one file serves glibc and musl.
  link: [
    '-shared',
    '-nodefaultlibs',
    `-Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack,--version-script=${join(NATIVE, 'exports.map')}`,
  ],
};
const TARGETS = {
  'linux-x64': {
    ...LINUX,
    prefixes: HOST === 'linux-x64' ? ['', 'x86_64-linux-gnu-'] : ['x86_64-linux-gnu-'],
  },
  'linux-arm64': {
    ...LINUX,
    prefixes: HOST === 'linux-arm64' ? ['', 'aarch64-linux-gnu-'] : ['aarch64-linux-gnu-'],
    // Atomics inline rather than from libgcc, which is not linked.
    compile: ['-fPIC', '-mno-outline-atomics'],
  },
  'win32-x64': {
    sources: [...SHARED, 'pages_windows.cc', 'delay_load_windows.cc'],
    prefixes: ['x86_64-w64-mingw32-'],
    // Of the two compilers the one whose headers have std::mutex, which node-addon-api mentions and nothing here uses.
    suffix: '-posix',
    compile: [],
    link: ['-shared', '-static-libgcc', '-Wl,--gc-sections'],
    // The C driver links no C++ library; freestanding.cc has what is needed of it.
    linker: 'gcc',
    imports: ['node_api', 'js_native_api'],
  },
};

function say(line) {
  process.stderr.write(`${line}\n`);
}

function run(command, args) {
  const result = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0)
    throw new Error(`${command} failed with ${result.status ?? result.signal}`);
}

function works(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

function tool(target, prefix, name) {
  return `${prefix}${name}${target.suffix ?? ''}`;
}

function compilerFor(target) {
  return target.prefixes.find(
    (prefix) => works(tool(target, prefix, 'gcc')) && works(tool(target, prefix, 'g++')),
  );
}

function newestSource() {
  const times = [fileURLToPath(import.meta.url)];
  for (const folder of [NATIVE, join(NATIVE, 'vendor', 'bearssl')]) {
    for (const entry of readdirSync(folder)) times.push(join(folder, entry));
  }
  return Math.max(...times.map((path) => statSync(path).mtimeMs));
}

/** Import libraries by which the functions of Node are looked up in the host, whatever its file is called. */
function importLibraries(target, prefix, folder) {
  return (target.imports ?? []).map((name) => {
    const library = join(folder, `lib${name}_delay.a`);
    run(`${prefix}dlltool`, [
      '-d',
      join(HEADERS, 'def', `${name}.def`),
      '--output-delaylib',
      library,
    ]);
    return library;
  });
}

/** Compiles and links one target. The result appears under its name in one step, so that no half-written file is loaded. */
function build(target, prefix, folder, output, extra) {
  mkdirSync(folder, { recursive: true });
  mkdirSync(dirname(output), { recursive: true });
  const objects = [];
  const vendor = join(NATIVE, 'vendor', 'bearssl');
  for (const file of readdirSync(vendor).filter((name) => name.endsWith('.c'))) {
    const object = join(folder, `${basename(file, '.c')}.o`);
    run(tool(target, prefix, 'gcc'), [
      ...COMMON,
      ...target.compile,
      ...extra.compile,
      '-c',
      join(vendor, file),
      '-o',
      object,
    ]);
    objects.push(object);
  }
  for (const file of target.sources.filter((name) => !extra.without.includes(name))) {
    const object = join(folder, `${basename(file, '.cc')}.o`);
    const flags = [...COMMON, ...CXX, ...target.compile, ...extra.compile];
    run(tool(target, prefix, 'g++'), [...flags, '-c', join(NATIVE, file), '-o', object]);
    objects.push(object);
  }
  const libraries = importLibraries(target, prefix, folder);
  const unfinished = join(folder, 'securemem.node');
  run(tool(target, prefix, target.linker ?? 'g++'), [
    ...extra.link(target),
    ...objects,
    '-o',
    unfinished,
    ...libraries,
  ]);
  copyFileSync(unfinished, `${output}.new`);
  renameSync(`${output}.new`, output);
}

const SHIPPED = { compile: [], without: [], link: (target) => ['-s', ...target.link] };
const FAULTS = {
  compile: ['-g', '-DSECUREMEM_TEST_FAULTS'],
  without: [],
  link: (target) => target.link,
};
const SANITIZE = {
  compile: [
    '-g',
    '-O1',
    '-DSECUREMEM_TEST_FAULTS',
    '-fsanitize=address,undefined',
    '-fno-omit-frame-pointer',
  ],
  // The sanitizers bring their own operators new and delete.
  without: ['freestanding.cc'],
  link: () => ['-shared', '-fsanitize=address,undefined'],
};

function buildVariant(name, extra) {
  const target = TARGETS[HOST];
  const prefix = target === undefined ? undefined : compilerFor(target);
  if (prefix === undefined) throw new Error(`no compiler for ${HOST}`);
  build(
    target,
    prefix,
    join(ROOT, 'build', `obj-${name}`),
    join(ROOT, 'build', name, 'securemem.node'),
    extra,
  );
  say(`build-native: build/${name}/securemem.node`);
}

function buildPrebuilds() {
  const newest = newestSource();
  const built = [];
  for (const [name, target] of Object.entries(TARGETS)) {
    if (options['host-if-possible'] && name !== HOST) continue;
    const output = join(ROOT, 'prebuilds', name, 'securemem.node');
    const fresh = existsSync(output) && statSync(output).mtimeMs > newest;
    const prefix = fresh ? undefined : compilerFor(target);
    if (fresh || prefix !== undefined) {
      if (!fresh) build(target, prefix, join(ROOT, 'build', `obj-${name}`), output, SHIPPED);
      built.push(name);
      say(`build-native: ${name} ${fresh ? 'is up to date' : 'built'}`);
    } else {
      say(
        `build-native: ${name} NOT BUILT: no compiler (${target.prefixes.map((p) => `${p}g++`).join(' or ')})`,
      );
    }
  }
  return built;
}

if (options.test) buildVariant('test', FAULTS);
else if (options.sanitize) buildVariant('sanitize', SANITIZE);
else {
  const built = buildPrebuilds();
  if (options['host-if-possible'] && !built.includes(HOST)) {
    say(
      `\n*** @securemem/napi: NO NATIVE BINARY for ${HOST} was built, so nothing about this backend is proved here. ***\n` +
        '*** Install a C++ compiler (Debian: g++), or build with node-gyp: see packages/backend-napi/README.md.     ***\n',
    );
  }
  const missing = options.require.split(',').filter((name) => name !== '' && !built.includes(name));
  if (missing.length > 0) {
    say(`build-native: required but not built: ${missing.join(', ')}`);
    process.exitCode = 1;
  }
}
