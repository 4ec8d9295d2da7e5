/**
 * Files in the directory where a program runs, of every name that somebody could look for when a reference is made, used, and used after its
 * end: none of them is read. A file that was read has a new time of access, as the one shows that is read on purpose. Runs in an empty
 * directory, and says in one line of JSON which were read and how the uses ended.
 */
import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { identities } from './identities.mjs';

const addon = 'securemem-openssl.node';
const target = `${process.platform}-${process.arch}`;
/** @type {string[]} */
const names = [];

/** @param {string} name @param {string} text */
function put(name, text) {
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(name, text);
  utimesSync(name, 1, 1);
  names.push(name);
}

for (const name of [
  addon,
  `prebuilds/${target}/${addon}`,
  `build/Release/${addon}`,
  'securemem.so',
  'openssl.cnf',
])
  put(name, 'this is no library');
for (const name of ['@securemem/openssl', '@securemem/napi', 'node-gyp-build'])
  put(`node_modules/${name}/index.js`, 'throw new Error("a file of the directory was run")');

const { createAllocator, toPrivateKey, toTlsKey } = await import('@securemem/core');
const { napiBackend } = await import('@securemem/napi');
const memory = createAllocator({ backend: napiBackend() });
const { secret } = await memory.fromPem(Buffer.from(identities['P-256'].key));
const pem = toTlsKey(secret, { tlsOnly: true });
const [label, id] = pem.split('\n');

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const other = /** @type {string} */ (privateKey.export({ format: 'pem', type: 'pkcs8' }));
for (const name of [
  pem,
  pem.trim(),
  `${label}`,
  `${id}`,
  `${id}.pem`,
  `securemem:${id}`,
  'securemem',
  'read on purpose',
])
  put(name, other);

/** @param {() => unknown} run */
function endOf(run) {
  try {
    return String(run());
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code;
  }
}

const uses = () =>
  [pem, pem.trim(), `${id}`, `securemem:${id}`].flatMap((key) => [
    endOf(() => sign('sha256', Buffer.from('x'), key).length > 0),
    endOf(() => typeof createSecureContext({ key })),
    endOf(() => createPrivateKey(key).type),
  ]);

const during = uses();
endOf(() => toPrivateKey(secret).type);
secret.dispose();
const after = uses();
readFileSync('read on purpose');
const read = names.filter((name) => statSync(name).atimeMs !== 1000);
console.log(JSON.stringify({ during, after, read }));
