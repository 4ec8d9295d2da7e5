// How the addon is compiled for each target. Plain compilers and the headers of npm packages are all that is needed; the
// results ask for no library but the system's own.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LIBSECP256K1, SECP256K1_FLAGS } from './libsecp256k1.mjs';

const require = createRequire(import.meta.url);

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
export const NATIVE = join(ROOT, 'native');
export const HOST = `${process.platform}-${process.arch}`;

const BEARSSL = join(NATIVE, 'vendor', 'bearssl');

/** Others' C that is compiled in, and with what. */
export const VENDORED = [
  ...readdirSync(BEARSSL)
    .filter((name) => name.endsWith('.c'))
    .map((name) => ({ path: join(BEARSSL, name), flags: [] })),
  ...['secp256k1.c', 'precomputed_ecmult.c', 'precomputed_ecmult_gen.c'].map((name) => ({
    path: join(LIBSECP256K1, 'src', name),
    // Where it would complain on the standard error output and abort, keys_secp256k1.cc stops.
    flags: [...SECP256K1_FLAGS, '-DUSE_EXTERNAL_DEFAULT_CALLBACKS=1'],
  })),
];

/** Headers of Node-API and its import lists for Windows. */
export const HEADERS = dirname(require.resolve('node-api-headers/package.json'));
const ADDON_API = dirname(require.resolve('node-addon-api/package.json'));

/** For C and C++. */
export const COMMON = [
  '-O2',
  '-fvisibility=hidden',
  '-ffunction-sections',
  '-fdata-sections',
  // Two builds give equal bytes, wherever they are made.
  `-ffile-prefix-map=${ROOT}=.`,
  // Or its header would import libsecp256k1 from a library of its own on Windows.
  '-DSECP256K1_STATIC',
];

/** For everything that includes napi.h. */
export const INTERFACE = [
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=securemem',
  '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  `-I${join(HEADERS, 'include')}`,
  `-I${ADDON_API}`,
];

/** For our own C++. */
export const CXX = [
  '-std=c++17',
  '-Wall',
  '-Wextra',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-threadsafe-statics',
  ...INTERFACE,
];

/** The private operation of RSA, which the addon of @securemem/openssl does as well. */
export const RSA = ['openssl.cc', 'rsa_blinded.cc', 'rsa_der.cc', 'modular_inverse.cc'];

const SHARED = [
  ...[
    'addon.cc',
    'addon_keys.cc',
    'signature_job.cc',
    'region_table.cc',
    'gate.cc',
    'key_window.cc',
  ],
  ...['cipher.cc', 'variables.cc', 'keys.cc', 'keys_secp256k1.cc', 'known_answers.cc'],
  ...['curve25519_openssl.cc', 'ec_openssl.cc', 'rsa_openssl.cc', ...RSA, 'freestanding.cc'],
];
const EXPORTS = `--version-script=${join(NATIVE, 'exports.map')}`;

/** What maps on Linux, and what it asks the kernel. */
const PAGES_OF_LINUX = [
  ...['pages_linux.cc', 'reservation_linux.cc', 'limits_linux.cc'],
  ...['proc_linux.cc', 'smaps_linux.cc'],
];

/** Sources that make a program without Node: what maps, what looks after it, and what shows it. */
export const WITHOUT_NODE = [...PAGES_OF_LINUX, 'region_table.cc', 'gate.cc', 'key_window.cc'];

const LINUX = {
  sources: [...SHARED, ...PAGES_OF_LINUX],
  compile: ['-fPIC'],
  // No library is asked for: the symbols of the C library come from the runtime, so one file serves glibc and musl.
  link: [
    '-shared',
    '-nodefaultlibs',
    `-Wl,--gc-sections,-z,relro,-z,now,-z,noexecstack,${EXPORTS}`,
  ],
};

/** Prefixes of compilers that build for a Linux architecture; the plain ones do on a machine of that kind. */
function prefixes(arch, triplet) {
  return HOST === `linux-${arch}` ? ['', `${triplet}-`] : [`${triplet}-`];
}

export const TARGETS = {
  'linux-x64': { ...LINUX, prefixes: prefixes('x64', 'x86_64-linux-gnu') },
  'linux-arm64': {
    ...LINUX,
    prefixes: prefixes('arm64', 'aarch64-linux-gnu'),
    // Atomics inline rather than from libgcc, which is not linked.
    compile: ['-fPIC', '-mno-outline-atomics'],
  },
  'win32-x64': {
    sources: [...SHARED, 'pages_windows.cc', 'delay_load_windows.cc'],
    prefixes: ['x86_64-w64-mingw32-'],
    // Of the two compilers the one whose headers have std::mutex, which node-addon-api mentions and nothing here uses.
    suffix: '-posix',
    compile: [],
    // The C driver links no C++ library; freestanding.cc has what is needed of it.
    linker: 'gcc',
    // Without the time of the build.
    link: ['-shared', '-static-libgcc', '-Wl,--gc-sections,--no-insert-timestamp'],
    imports: ['node_api', 'js_native_api'],
  },
};

/** What is shipped, and what only tests use: system calls that can be made to fail, and the sanitizers. */
export const VARIANTS = {
  shipped: { compile: [], without: [], link: (target) => ['-s', ...target.link] },
  test: {
    compile: ['-g', '-DSECUREMEM_TEST_FAULTS'],
    without: [],
    link: (target) => target.link,
  },
  sanitize: {
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
  },
};
