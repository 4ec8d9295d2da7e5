// Looks through the memory of a running process for a private key, in every form that OpenSSL gives its numbers. For root, or for whoever
// may debug the process.
//
//   node scan.mjs key.pem <pid>
import { createHash, createPrivateKey } from 'node:crypto';
import { openSync, readFileSync, readSync } from 'node:fs';

const [keyPath, pid] = process.argv.slice(2);
const CHUNK = 4 * 1024 * 1024;
const OVERLAP = 64;

/** The secret numbers of the key. */
function numbersOf() {
  const { kty, ...jwk } = createPrivateKey(readFileSync(String(keyPath))).export({ format: 'jwk' });
  const { d, p, q, dp, dq, qi } = jwk;
  const texts = kty === 'RSA' ? [d, p, q, dp, dq, qi] : [d];
  const numbers = texts.map((text) => Buffer.from(String(text), 'base64url'));
  if (kty !== 'OKP') return numbers;
  // What Ed25519 makes of its seed: a scalar and a prefix.
  const expanded = createHash('sha512')
    .update(/** @type {Buffer} */ (numbers[0]))
    .digest();
  return [...numbers, expanded.subarray(0, 32), expanded.subarray(32)];
}

/** As it is written, backwards, and with its words of 32 and 64 bits backwards: 16 bytes of each end. @param {Buffer} number */
function formsOf(number) {
  const swapped = (/** @type {number} */ width) => {
    const turned = Buffer.from(number);
    for (let at = 0; at + width <= turned.length; at += width)
      turned.subarray(at, at + width).reverse();
    return turned;
  };
  const forms = [number, Buffer.from(number).reverse(), swapped(4), swapped(8)];
  return forms.flatMap((form) => [form.subarray(0, 16), form.subarray(-16)]);
}

/** What the process has in memory or in swap, and whether it is locked. What it has only reserved is nowhere. */
function mappings() {
  const found = [];
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line);
    if (head) {
      const [start, end] = [BigInt(`0x${head[1]}`), BigInt(`0x${head[2]}`)];
      found.push({ start, end, locked: false, there: false });
    }
    const last = found.at(-1);
    if (last && /^(Rss|Swap): +[1-9]/.test(line)) last.there = true;
    if (last && /^VmFlags:.* lo( |$)/.test(line)) last.locked = true;
  }
  return found.filter(({ there }) => there);
}

const needles = numbersOf().flatMap(formsOf);
const memory = openSync(`/proc/${pid}/mem`, 'r');
const chunk = Buffer.from(new ArrayBuffer(CHUNK));
/** @type {Set<bigint>} */
const pages = new Set();
let [outside, read] = [0, 0n];
for (const { start, end, locked } of mappings()) {
  for (let at = start; at < end; at += BigInt(CHUNK - OVERLAP)) {
    const wanted = end - at < CHUNK ? Number(end - at) : CHUNK;
    let bytes = chunk;
    try {
      bytes = chunk.subarray(0, readSync(memory, chunk, 0, wanted, at));
    } catch {
      break; // The kernel lets nobody read there.
    }
    read += BigInt(bytes.length);
    for (const needle of needles) {
      for (let hit = bytes.indexOf(needle); hit >= 0; hit = bytes.indexOf(needle, hit + 1)) {
        if (locked) pages.add((at + BigInt(hit)) >> 12n);
        else outside++;
      }
    }
  }
}
console.log(`looked through ${read >> 20n} MiB for ${needles.length} forms of the private key`);
console.log(`in locked pages: ${pages.size}, elsewhere: ${outside}`);
