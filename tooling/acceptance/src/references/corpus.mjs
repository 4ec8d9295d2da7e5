/** A thousand files that a program might take for a key: good ones of every kind, and damaged and hostile ones, the same in every run. */
import { readFileSync } from 'node:fs';

/** @typedef {{ readonly name: string, readonly text: string }} Sample */

/** Good ones. @type {readonly Sample[]} */
export const BASES = readFileSync(new URL('./corpus.pem', import.meta.url), 'latin1')
  .split(/^# (?=\w+ \w+$)/m)
  .slice(1)
  .map((part) => {
    const end = part.indexOf('\n');
    return { name: part.slice(0, end), text: part.slice(end + 1) };
  });

/** Numbers that look like chance and are the same each time (xorshift32). */
class Chance {
  #state = 0x5ec0_5ec0;

  /** From 0 to `end` less 1. @param {number} end */
  below(end) {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }

  /** @template T @param {readonly T[]} from @returns {T} */
  oneOf(from) {
    return /** @type {T} */ (from[this.below(from.length)]);
  }
}

const LABELS = [
  ...['PRIVATE KEY', 'EC PRIVATE KEY', 'RSA PRIVATE KEY', 'DSA PRIVATE KEY', 'PUBLIC KEY'],
  ...['ENCRYPTED PRIVATE KEY', 'CERTIFICATE', 'TRUSTED CERTIFICATE', 'X509 CRL', 'EC PARAMETERS'],
  ...['RSA PUBLIC KEY', 'CERTIFICATE REQUEST', 'OPENSSH PRIVATE KEY', 'ANY PRIVATE KEY', ''],
  ...['SECUREMEM KEY REFERENCE', 'private key', 'X'.repeat(300)],
];

/** Lengths of DER that promise more than there is, or more than there can be. */
const LENGTHS = ['80', '84ffffffff', '847fffffff', '88ffffffffffffffff', '8400000001', 'ff', '00'];

/** @param {string} text @returns {Buffer | undefined} what is in its first block */
export function derOf(text) {
  const body = /-----BEGIN [^\n]*-----\n([A-Za-z0-9+/=\n]+)-----END/.exec(text)?.[1];
  return body === undefined ? undefined : Buffer.from(body, 'base64');
}

/** @param {Uint8Array} der @param {string} label */
function pemOf(der, label) {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const labelOf = (/** @type {string} */ text) => /-----BEGIN ([^\n]*)-----/.exec(text)?.[1] ?? '';

/** What may be done to a good file. @type {Readonly<Record<string, (text: string, chance: Chance) => string>>} */
const DAMAGES = {
  truncated: (text, chance) => text.slice(0, chance.below(text.length)),
  'bit flipped': (text, chance) => {
    const der = derOf(text) ?? Buffer.from('x');
    const at = chance.below(der.length);
    der[at] = /** @type {number} */ (der[at]) ^ (1 << chance.below(8));
    return pemOf(der, labelOf(text));
  },
  'truncated inside': (text, chance) => {
    const der = derOf(text) ?? Buffer.alloc(0);
    return pemOf(der.subarray(0, chance.below(der.length)), labelOf(text));
  },
  'byte of the text': (text, chance) => {
    const at = chance.below(text.length);
    return text.slice(0, at) + String.fromCharCode(chance.below(256)) + text.slice(at + 1);
  },
  'wrong label': (text, chance) => text.replaceAll(labelOf(text), chance.oneOf(LABELS)),
  'hostile length': (text, chance) => {
    const der = derOf(text) ?? Buffer.from('3000', 'hex');
    const at = 1 + chance.below(Math.min(der.length, 24));
    const length = Buffer.from(chance.oneOf(LENGTHS), 'hex');
    return pemOf(Buffer.concat([der.subarray(0, at), length, der.subarray(at)]), labelOf(text));
  },
  'two of them': (text, chance) => text + chance.oneOf(BASES).text,
  'other ends of lines': (text, chance) => text.replaceAll('\n', chance.oneOf(['\r\n', '\r', ' '])),
  'something around it': (text, chance) =>
    chance.oneOf([' \n', 'Bag Attributes\n', '\0', '\ufeff', '-----BEGIN\n']) + text,
  'the name of a reference': (text, chance) => hexOf(chance, chance.oneOf([16, 15, 17, 0])) + text,
};

/** @param {Chance} chance @param {number} byteLength */
function hexOf(chance, byteLength) {
  const id = Array.from({ length: byteLength }, () => chance.below(256));
  const hex = Buffer.from(id).toString('hex');
  const label = 'SECUREMEM KEY REFERENCE';
  return `-----BEGIN ${label}-----\n${chance.below(4) === 0 ? hex.toUpperCase() : hex}\n-----END ${label}-----\n`;
}

/** What was never a key. @type {readonly ((chance: Chance) => string)[]} */
const GARBAGE = [
  (chance) => hexOf(chance, chance.oneOf([16, 16, 16, 15, 17, 0, 4000])),
  (chance) => hexOf(chance, 16).slice(0, chance.below(120)),
  (chance) =>
    Array.from({ length: chance.below(900) }, () => chance.below(256))
      .map((code) => String.fromCharCode(code))
      .join(''),
  (chance) => pemOf(Buffer.from(LABELS.join()).subarray(chance.below(9)), chance.oneOf(LABELS)),
  (chance) => pemOf(Buffer.from('30800201'.repeat(1 + chance.below(500)), 'hex'), 'PRIVATE KEY'),
  (chance) => `-----BEGIN ${'PRIVATE KEY'.repeat(chance.below(90))}-----\n`,
  (chance) =>
    `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: ${chance.oneOf(['AES-128-CBC', 'NONE', 'DES-CBC'])},${'00'.repeat(chance.below(40))}\n\nAAAA\n-----END RSA PRIVATE KEY-----\n`,
  () => '',
];

/** The good ones first, then damaged ones and garbage. @param {number} count @returns {Sample[]} */
export function corpus(count) {
  const chance = new Chance();
  const samples = BASES.slice(0, count);
  const damages = Object.entries(DAMAGES);
  while (samples.length < count) {
    const i = samples.length;
    if (i % 8 === 7) {
      samples.push({ name: `${i}: garbage`, text: chance.oneOf(GARBAGE)(chance) });
      continue;
    }
    const [how, damage] = /** @type {(typeof damages)[number]} */ (damages[i % damages.length]);
    const base = chance.oneOf(BASES);
    samples.push({ name: `${i}: ${base.name}, ${how}`, text: damage(base.text, chance) });
  }
  return samples;
}
