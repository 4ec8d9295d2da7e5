/** What becomes of each call with a reference on a Node, each in a process of its own. As a program it prints the column for the Node that runs it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CALLS_PROGRAM = fileURLToPath(new URL('./calls.mjs', import.meta.url));

/** Each call, and the types that it is tried with. @type {readonly (readonly [string, readonly string[]])[]} */
export const CALLS = [
  ['crypto.sign', ['P-256', 'P-384', 'Ed25519', 'RSA']],
  ['crypto.sign, callback', ['P-256', 'P-384', 'Ed25519', 'RSA']],
  ['crypto.sign, ieee-p1363', ['P-256', 'P-384']],
  ['crypto.sign, PSS', ['RSA']],
  ['createSign', ['P-256', 'P-384', 'RSA']],
  ['createPrivateKey', ['P-256', 'P-384', 'Ed25519', 'RSA', 'X25519']],
  ['asymmetricKeyDetails', ['P-256', 'P-384', 'Ed25519', 'RSA']],
  ['createPublicKey, SPKI', ['P-256', 'P-384', 'Ed25519', 'RSA', 'X25519']],
  ['public export, JWK', ['P-256', 'P-384', 'Ed25519', 'RSA']],
  ['equals', ['P-256', 'Ed25519', 'RSA']],
  ['structuredClone', ['P-256', 'Ed25519', 'RSA']],
  ['diffieHellman', ['P-256', 'P-384', 'X25519']],
  ['toCryptoKey, subtle.sign', ['P-256', 'P-384', 'Ed25519', 'RSA']],
  ['export, PKCS#8', ['P-256', 'P-384', 'Ed25519', 'RSA', 'X25519']],
  ['export, JWK', ['P-256', 'P-384', 'Ed25519', 'RSA', 'X25519']],
  ['privateDecrypt, OAEP', ['RSA']],
];

/** @param {string} type @param {string} name @param {string} node the program @returns {string} `yes`, an error, or the signal that ended the process */
export function endOf(type, name, node = process.execPath) {
  const { stdout, stderr, signal, status } = spawnSync(node, [CALLS_PROGRAM, type, name], {
    encoding: 'utf8',
  });
  if (signal !== null) return `ends the process (${signal})`;
  if (status !== 0) return `ends with ${status}: ${stderr.slice(-200)}`;
  return JSON.parse(stdout).ended;
}

/** One cell: the end that all types have, or each with its types. @param {readonly (readonly [string, string])[]} ends */
export function cellOf(ends) {
  /** @type {Map<string, string[]>} */
  const by = new Map();
  for (const [type, end] of ends) by.set(end, [...(by.get(end) ?? []), type]);
  if (by.size === 1) return wordsOf(/** @type {string} */ (ends[0]?.[1]));
  return [...by].map(([end, types]) => `${types.join(', ')}: ${wordsOf(end)}`).join('; ');
}

const wordsOf = (/** @type {string} */ end) => end.replaceAll(/(ERR_\w+|SIG[A-Z]+)/g, '`$1`');

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, types] of CALLS) {
    const ends = types.map((type) => /** @type {const} */ ([type, endOf(type, name)]));
    console.log(JSON.stringify([name, cellOf(ends)]));
  }
}
