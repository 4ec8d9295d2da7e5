/**
 * A program that asks for a password: `node prompt.mjs BACKEND WHAT MASKED`, where WHAT says what happens meanwhile and
 * MASKED is a marker that will be typed. What it finds goes to the terminal as JSON.
 */
import { createAllocator } from '@securemem/core';
import { openBackend } from './backends.mjs';
import { markerFromMasked } from './memory-scan.mjs';

const [backendName = '', what = '', masked = ''] = process.argv.slice(2);
const memory = createAllocator({ backend: openBackend(backendName) });

/** @param {object} value */
const say = (value) => process.stdout.write(`said=${JSON.stringify(value)}\n`);

const abort = new AbortController();
const options = { prompt: 'Password: ', byteLengthMax: 80, signal: abort.signal };
/** Happens while the prompt is open, when the parent says so by SIGUSR2. */
const meanwhile = {
  abort: () => abort.abort(new Error('enough')),
  throw: () => {
    throw new Error('something else broke');
  },
  reject: () => void Promise.reject(new Error('something else broke')),
  exit: () => process.exit(3),
};
const event = meanwhile[/** @type {keyof typeof meanwhile} */ (what)];
if (what !== 'deaf') process.once('SIGUSR2', () => event?.());
if (what === 'listen') process.on('SIGTERM', () => say({ drained: true }));
if (what === 'catch') process.on('SIGINT', () => say({ caught: 'SIGINT' }));

say({ pid: process.pid });
try {
  const secret = await memory.fromTerminal(
    what === 'impatient' ? { ...options, answerMsMax: 50 } : options,
  );
  const line = secret.byteLength;
  const marker = masked === '' ? undefined : markerFromMasked(masked);
  const elsewhere = marker?.find().filter((hit) => !hit.locked).length;
  const inPage = marker === undefined || secret.receipt.kernelHidden ? undefined : marker.count();
  secret.dispose();
  say({ line, elsewhere, inPage, after: marker?.count() });
} catch (error) {
  const { code, message, details } = /** @type {any} */ (error);
  say({ code, message, reason: details?.reason, secrets: memory.stats().secrets });
}
await memory.close();
