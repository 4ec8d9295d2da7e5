import { gzipSync } from 'node:zlib';
import { freshFiles, manifestOf } from './tarball.mjs';

const KIB = 1024;

/**
 * Most that each package may weigh, in KiB: packed is what is fetched, unpacked what lies in `node_modules`. A quarter above
 * what it is now; whoever needs more says here that it is worth it. Half of most of them are source maps.
 *
 * @type {Readonly<Record<string, { packedKib: number, unpackedKib: number }>>}
 */
export const budgets = {
  '@securemem/core': { packedKib: 775, unpackedKib: 2900 },
  // A quarter of it is private keys in OpenSSL, with the questions that each algorithm must answer.
  '@securemem/ffi': { packedKib: 150, unpackedKib: 565 },
  '@securemem/koffi': { packedKib: 155, unpackedKib: 600 },
  // Six addons of 200 KiB at most where it is released; only some of them are built on one machine. 90 KiB of each, and 620 of
  // sources, are libsecp256k1: no other way signs on secp256k1 with the key in its page, with a recovery id, and where the runtime
  // has no OpenSSL.
  '@securemem/napi': { packedKib: 900, unpackedKib: 2400 },
  // Two addons of 50 KiB, and nothing much else.
  '@securemem/openssl': { packedKib: 90, unpackedKib: 220 },
  '@securemem/nolock': { packedKib: 12, unpackedKib: 45 },
  // A pool of keepers, which replaces each of them as planned, is a fifth of it.
  '@securemem/keeper': { packedKib: 170, unpackedKib: 640 },
  '@securemem/conformance': { packedKib: 240, unpackedKib: 1000 },
  securemem: { packedKib: 60, unpackedKib: 210 },
};

/** One line for each budget that a package exceeds, and one for a package without a budget.
 *  @param {ReadonlyMap<string, Buffer>} files of its tarball */
export function budgetProblems(files) {
  const { name } = manifestOf(files);
  const budget = budgets[name];
  if (budget === undefined) return [`${name} has no size budget`];
  const { packed, unpacked } = weigh(files);
  return [
    ...over(name, 'packed', packed, budget.packedKib),
    ...over(name, 'unpacked', unpacked, budget.unpackedKib),
  ];
}

/** In bytes. @param {ReadonlyMap<string, Buffer>} files */
export function weigh(files) {
  const contents = [...freshFiles(files).values()];
  const unpacked = contents.reduce((sum, { length }) => sum + length, 0);
  return { packed: gzipSync(Buffer.concat(contents)).length, unpacked };
}

/** @param {string} name @param {string} how @param {number} byteLength @param {number} maxKib */
function over(name, how, byteLength, maxKib) {
  if (byteLength <= maxKib * KIB) return [];
  return [`${name} is ${Math.ceil(byteLength / KIB)} KiB ${how}, and may be ${maxKib} KiB`];
}
