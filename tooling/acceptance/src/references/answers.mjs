/**
 * What `node:crypto` and `tls` answer to a corpus of files, and to operations on keys of every type: `answers.mjs <files> <how>`. One line
 * of JSON: `files` and `operations`, each answer a name and what came of it, `figures`, and the `providers` in their order before and after.
 *
 *   without   nothing of ours is loaded
 *   loaded    references of every type are open and were used
 *   chosen    and now and again OpenSSL is made to answer requests for ordinary keys with our provider
 */
import { createHash, createPrivateKey, createPublicKey, sign, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { corpus, derOf } from './corpus.mjs';
import { forgetFetches, providerNames } from './fetches.mjs';
import { figures, OPERATIONS } from './operations.mjs';

const [count, how] = [Number(process.argv[2] ?? 1000), process.argv[3] ?? 'without'];
/** Ordinary operations between two times that OpenSSL forgets what it had. */
const CHOSEN_EVERY = 25;

/** @param {string | Buffer} data */
const digestOf = (data) => createHash('sha256').update(data).digest('hex').slice(0, 16);

/** What comes of a call: a text, or everything that an error says. @param {() => string} run */
export function answerOf(run) {
  try {
    return run();
  } catch (error) {
    const { code, message, opensslErrorStack } = /** @type {any} */ (error);
    return [code, message, ...(opensslErrorStack ?? [])].join(' | ');
  }
}

/** @param {import('node:crypto').KeyObject} key */
function told(key) {
  const type = key.type === 'private' ? 'pkcs8' : 'spki';
  const exported = key.export({ format: 'der', type: /** @type {'pkcs8'} */ (type) });
  const details = JSON.stringify(key.asymmetricKeyDetails, (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return `${key.type} ${key.asymmetricKeyType} ${details} ${digestOf(exported)}`;
}

/** Whether Node lets OpenSSL ask for a passphrase there: for what is encrypted and may be a certificate. @param {string} text */
const asksTerminal = (text) => text.includes('ENCRYPTED') && text.includes('DEK-Info');

/** @type {readonly ((text: string) => string)[]} */
const QUESTIONS = [
  (text) => told(createPrivateKey(text)),
  (text) => told(createPrivateKey({ key: text, passphrase: 'secret' })),
  (text) => told(createPrivateKey({ key: text, passphrase: 'wrong' })),
  (text) => (asksTerminal(text) ? '' : told(createPublicKey(text))),
  (text) => new X509Certificate(text).fingerprint256,
  (text) => typeof createSecureContext({ key: text, passphrase: 'secret' }),
  (text) => (asksTerminal(text) ? '' : typeof createSecureContext({ cert: text })),
  (text) =>
    told(createPrivateKey({ key: derOf(text) ?? Buffer.from(text), format: 'der', type: 'pkcs8' })),
  (text) =>
    told(createPrivateKey({ key: derOf(text) ?? Buffer.from(text), format: 'der', type: 'sec1' })),
  (text) =>
    told(createPublicKey({ key: derOf(text) ?? Buffer.from(text), format: 'der', type: 'spki' })),
  (text) => (sign('sha256', Buffer.from(''), text).byteLength > 0 ? 'signed' : ''),
];

/** @type {() => void} */
let choose = () => {};
const before = providerNames();
if (how !== 'without') {
  const { openEveryType } = await import('./every-type.mjs');
  const { use } = await openEveryType();
  use();
  if (how === 'chosen') {
    choose = () => {
      forgetFetches();
      use();
    };
  }
}

let asked = 0;
/** @param {string} name @param {() => string} run */
function answered(name, run) {
  if (asked++ % CHOSEN_EVERY === 0) choose();
  return [name, answerOf(run)];
}

const operations = [];
for (const [name, run] of OPERATIONS) operations.push(answered(name, run));
const files = corpus(count).flatMap(({ name, text }) =>
  QUESTIONS.map((ask, i) => answered(`${name}: question ${i}`, () => ask(text))),
);
console.log(
  JSON.stringify({ files, operations, figures: figures(), before, after: providerNames() }),
);
