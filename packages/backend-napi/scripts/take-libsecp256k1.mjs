#!/usr/bin/env node
// Takes libsecp256k1 out of its release into native/vendor/libsecp256k1, or compares what lies there with the release:
//
//   take-libsecp256k1.mjs <archive>            libsecp256k1_0.5.0.orig.tar.xz, as Debian has it (apt-get source --download-only)
//   take-libsecp256k1.mjs <archive> --compare
//
// Files are taken as they are. Of the two tables of multiples of the generator only the sizes that are compiled here are taken:
// the others are more than two megabytes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const SHA256 = '13b70138be52d7a23bdf0ea39ed79799a30eb855f2ed82c028357f6432cd536b';
const VENDOR = fileURLToPath(new URL('../native/vendor/libsecp256k1', import.meta.url));

const pairs = (...names) => names.flatMap((name) => [`src/${name}.h`, `src/${name}_impl.h`]);

/** What the library is made of, for every kind of machine. */
const LIBRARY = [
  'COPYING',
  ...['', '_ecdh', '_preallocated', '_recovery'].map((name) => `include/secp256k1${name}.h`),
  ...['assumptions', 'checkmem', 'precomputed_ecmult', 'precomputed_ecmult_gen'].map(
    (name) => `src/${name}.h`,
  ),
  ...['selftest', 'util', 'scalar_impl', 'field_5x52_int128_impl'].map((name) => `src/${name}.h`),
  ...pairs('ecdsa', 'eckey', 'ecmult', 'ecmult_const', 'ecmult_gen', 'group', 'hash', 'hsort'),
  ...pairs('field', 'field_10x26', 'field_5x52', 'modinv32', 'modinv64', 'scratch'),
  ...pairs('int128', 'int128_native', 'int128_struct', 'scalar_4x64', 'scalar_8x32'),
  'src/scalar.h',
  'src/modules/ecdh/main_impl.h',
  'src/modules/recovery/main_impl.h',
  'src/secp256k1.c',
];

/** Its own tests, which the package does not ship: see `files` of package.json. */
const TESTS = [
  'src/tests.c',
  'src/testrand.h',
  'src/testrand_impl.h',
  'src/testutil.h',
  'src/ctime_tests.c',
  'src/modules/ecdh/tests_impl.h',
  'src/modules/recovery/tests_impl.h',
  // The tests of the library itself make their public keys with this module.
  'include/secp256k1_extrakeys.h',
  'src/modules/extrakeys/main_impl.h',
  'src/modules/extrakeys/tests_impl.h',
  'src/wycheproof/ecdsa_secp256k1_sha256_bitcoin_test.h',
  'src/wycheproof/WYCHEPROOF_COPYING',
  ...['lax_der_parsing', 'lax_der_privatekey_parsing'].flatMap((name) => [
    `contrib/${name}.c`,
    `contrib/${name}.h`,
  ]),
];

/** The largest window whose table is kept; it serves checking signatures, which only the tests do. */
const WINDOW = 5;
/** The table of 22 KiB, the release's own choice. */
const COMB = '(COMB_BLOCKS == 11)';

/** The lines of a table without those of other sizes: between `#if`s that ask for them. */
const CUTS = {
  'src/precomputed_ecmult.c': (line, inside) => {
    const larger = /^#if WINDOW_G > (\d+)$/.exec(line);
    if (larger !== null) return Number(larger[1]) >= WINDOW;
    return inside && line !== '#endif';
  },
  'src/precomputed_ecmult_gen.c': (line, inside) => {
    if (line.startsWith('#elif')) return !line.includes(COMB);
    return inside && line !== '#else';
  },
};

function cut(text, isCut) {
  const kept = [];
  let inside = false;
  for (const line of text.split('\n')) {
    const was = inside;
    inside = isCut(line, inside);
    // The `#endif` of what was cut goes with it; an `#else` after it does not.
    if (!inside && !(was && line === '#endif')) kept.push(line);
  }
  const limit = kept
    .join('\n')
    .replace('ECMULT_WINDOW_SIZE > 15', `ECMULT_WINDOW_SIZE > ${WINDOW}`);
  return `/* Reduced by scripts/take-libsecp256k1.mjs to the size that is compiled here. */\n${limit}`;
}

/** As `sha256sum` writes them. */
function sums(names) {
  const lines = names.map((name) => {
    const digest = createHash('sha256').update(readFileSync(join(VENDOR, name)));
    return `${digest.digest('hex')}  ${name}\n`;
  });
  return lines.join('');
}

function unpack(archive, folder) {
  const found = createHash('sha256').update(readFileSync(archive)).digest('hex');
  if (found !== SHA256) throw new Error(`${archive} is not the release that is pinned: ${found}`);
  const args = ['-xf', archive, '-C', folder, '--strip-components=1'];
  const { status, error } = spawnSync('tar', args, { stdio: 'inherit' });
  if (status !== 0) throw error ?? new Error(`tar ended with ${status}`);
}

const { values, positionals } = parseArgs({
  options: { compare: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const [archive] = positionals;
if (archive === undefined) throw new TypeError('say where the archive of the release lies');
const folder = mkdtempSync(join(tmpdir(), 'libsecp256k1-'));
try {
  unpack(archive, folder);
  for (const [name, isCut] of Object.entries(CUTS)) {
    writeFileSync(join(folder, name), cut(readFileSync(join(folder, name), 'utf8'), isCut));
  }
  const differing = [];
  const names = [...LIBRARY, ...TESTS, ...Object.keys(CUTS)].sort();
  for (const name of names) {
    const [from, to] = [join(folder, name), join(VENDOR, name)];
    if (!values.compare) {
      mkdirSync(dirname(to), { recursive: true });
      cpSync(from, to);
    } else if (!readFileSync(from).equals(readFileSync(to))) differing.push(name);
  }
  if (!values.compare) writeFileSync(join(VENDOR, 'SHA256SUMS'), sums(names));
  for (const name of differing) process.stdout.write(`${name} differs from the release\n`);
  process.exitCode = differing.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
