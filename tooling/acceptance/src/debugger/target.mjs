/**
 * A program with a secret, which another process of the same user attacks: `node target.mjs BACKEND MODE`. Each line of its
 * output is JSON. It first says what `hardenProcess` reported, and then, for each line that it reads, whether its debugger
 * is open.
 *
 * Modes: `hardened`; `bare`, the control, without hardening; `signalled`, which was sent the signal just before it hardens.
 */
import inspector from 'node:inspector';
import { createInterface } from 'node:readline';
import { createAllocator } from '@securemem/core';
import * as koffi from '@securemem/koffi';
import * as napi from '@securemem/napi';
import { openBackend } from '../backends.mjs';

const [backendName = '', mode = ''] = process.argv.slice(2);
const memory = createAllocator({ backend: openBackend(backendName), atRest: 'no-access' });
const secret = memory.allocateSync(6);
// Letters by their numbers, so that the text of this program is not mistaken for the secret.
secret.write((bytes) => bytes.set([83, 101, 99, 114, 101, 116]));
Object.assign(globalThis, { secret });

/** @param {unknown} value */
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const { hardenProcess } = backendName === 'koffi' ? koffi : napi;

if (mode === 'signalled') process.kill(process.pid, 'SIGUSR1');
say({ report: mode === 'bare' ? null : hardenProcess() });
createInterface(process.stdin).on('line', () => say({ debugger: inspector.url() ?? null }));
