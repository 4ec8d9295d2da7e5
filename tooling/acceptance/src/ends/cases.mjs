/**
 * The usual ways by which secrets come into a program and go out of it, with what people call and with what leaves no copy. Each
 * is run in a process of its own, which another one looks at: the rows of the table in `docs/ENDS.md`.
 *
 * @typedef {import('@securemem/core').Allocator} Allocator @typedef {import('@securemem/core').Secret} Secret
 * @typedef {import('../memory-scan.mjs').Marker} Marker
 * @typedef {{ memory: Allocator, marker: Marker, origin: string, ca: string }} Scene `marker` is text; `APP_KEY` has it too
 * where the case says `variable`.
 * @typedef {{ what: string, call: string, variable?: true, server?: true, run(scene: Scene): unknown }} EndCase what `run`
 * gives is held while somebody looks
 */
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { get } from 'node:https';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { hmac } from '@securemem/core';
import { bytesOf, inJson, withFile } from '../marked-input.mjs';
import { fetchSecret } from './example.mjs';

/** A string, as most interfaces give and want one. @param {Marker} marker */
const stringOf = (marker) =>
  bytesOf(marker).reduce((text, byte) => text + String.fromCharCode(byte), '');

/** The secret in a page. @param {Scene} scene */
const secretOf = ({ memory, marker }) => memory.adopt(bytesOf(marker));

/** A file with `NAME=secret`, as dotenv has them. @param {Marker} marker @returns {import('../marked-input.mjs').Input} */
function envFile(marker) {
  const name = Buffer.from('FROM_FILE=');
  return {
    byteLength: name.length + marker.byteLength,
    fill(bytes) {
      bytes.set(name);
      marker.fill(bytes.subarray(name.length));
      return bytes;
    },
  };
}

/** @param {Scene} scene @param {string} token @returns {Promise<string>} */
function usualGet({ origin, ca }, token) {
  const headers = { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    get(new URL('/v1', origin), { ca, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      response.once('end', () => resolve(text));
    }).once('error', reject);
  });
}

/** Where secrets come from. @type {readonly EndCase[]} */
export const sources = [
  {
    what: 'a variable of the environment',
    call: '`process.env.APP_KEY`, then `delete`',
    variable: true,
    run() {
      const text = process.env['APP_KEY'];
      delete process.env['APP_KEY'];
      return text;
    },
  },
  {
    what: 'a variable of the environment',
    call: '`fromEnvironment`',
    variable: true,
    run: ({ memory }) => memory.fromEnvironment('APP_KEY'),
  },
  {
    what: 'a variable, once all were spread (dotenv, configuration libraries)',
    call: '`fromEnvironment`',
    variable: true,
    run: async ({ memory }) => [{ ...process.env }, await memory.fromEnvironment('APP_KEY')],
  },
  {
    what: 'a file of dotenv',
    call: '`process.loadEnvFile`, then `fromEnvironment`',
    run: ({ memory, marker }) =>
      withFile(envFile(marker), (path) => {
        process.loadEnvFile(path);
        return memory.fromEnvironment('FROM_FILE');
      }),
  },
  {
    what: 'a mounted file (Docker, Kubernetes)',
    call: "`readFileSync(path, 'utf8')`",
    run: ({ marker }) => withFile(marker, (path) => readFileSync(path, 'latin1')),
  },
  {
    what: 'a mounted file (Docker, Kubernetes)',
    call: '`fromCredentials`, by `NAME_FILE`',
    run: ({ memory, marker }) =>
      withFile(marker, (path) => {
        process.env['secret_FILE'] = path;
        return memory.fromCredentials('secret');
      }),
  },
  {
    what: 'a credential of systemd',
    call: '`fromCredentials`, by `$CREDENTIALS_DIRECTORY`',
    run: ({ memory, marker }) =>
      withFile(marker, (path) => {
        process.env['CREDENTIALS_DIRECTORY'] = dirname(path);
        return memory.fromCredentials('secret');
      }),
  },
  {
    what: 'a file that is rotated',
    call: '`store.follow`',
    run: ({ memory, marker }) =>
      withFile(marker, async (path) => {
        const store = memory.store();
        await store.follow('secret', path);
        return store.use('secret', () => store);
      }),
  },
  {
    what: 'a document of JSON',
    call: '`JSON.parse(readFileSync(path))`',
    run: ({ marker }) => withFile(inJson(marker), (path) => JSON.parse(readFileSync(path, 'utf8'))),
  },
  {
    what: 'a document of JSON',
    call: '`fromJson`',
    run: ({ memory, marker }) =>
      withFile(inJson(marker), (path) => memory.fromJson(path, '/data/key')),
  },
  {
    what: 'Vault, or another service that answers JSON',
    call: '`https.get` and `JSON.parse`; the SDK of a cloud does the same',
    server: true,
    run: async (scene) => JSON.parse(await usualGet(scene, 'none')),
  },
  {
    what: 'Vault, or another service that answers JSON',
    call: '`fetchSecret` of `examples/https-secret.mjs`',
    server: true,
    run: async ({ memory, origin, ca }) => {
      const token = await memory.random(8);
      token.write((bytes) => void bytes.fill(0x61));
      const url = new URL('/v1', origin);
      return fetchSecret(memory, url, { token, ca, pointer: '/data/key', waitMsMax: 60_000 });
    },
  },
];

/** A program that reads what it is given and waits. */
const WAITING_CHILD = 'process.stdin.resume()';

/** Where secrets go. @type {readonly EndCase[]} */
export const consumers = [
  {
    what: 'the header of a request',
    call: '`https.get` with a string',
    server: true,
    run: (scene) => usualGet(scene, stringOf(scene.marker)),
  },
  {
    what: 'the header of a request',
    call: '`fetchSecret` of `examples/https-secret.mjs`',
    server: true,
    async run(scene) {
      const { memory, origin, ca } = scene;
      const token = await secretOf(scene);
      const url = new URL('/other', origin);
      const pointer = '/data/key';
      return [token, await fetchSecret(memory, url, { token, ca, pointer, waitMsMax: 60_000 })];
    },
  },
  {
    what: 'a signature with a shared key (JWT, webhooks)',
    call: '`createHmac` with a string',
    run({ marker }) {
      const text = stringOf(marker);
      return [text, createHmac('sha256', text).update('data').digest()];
    },
  },
  {
    what: 'a signature with a shared key (JWT, webhooks)',
    call: '`hmac`',
    async run(scene) {
      const secret = await secretOf(scene);
      return [secret, hmac('sha256', secret, 'data')];
    },
  },
  {
    what: 'the driver of a database, which wants a string',
    call: 'a string for each connection, out of `read`',
    async run(scene) {
      const secret = await secretOf(scene);
      return [secret, secret.read((bytes) => Buffer.from(bytes).toString('latin1'))];
    },
  },
  {
    what: 'a child process',
    call: '`spawn` with a variable',
    run({ marker }) {
      const env = { APP_KEY: stringOf(marker) };
      return [env, spawn(process.execPath, ['-e', WAITING_CHILD], { env })];
    },
  },
  {
    what: 'a child process',
    call: '`lend`, the view alone in a write to its standard input, awaited',
    async run(scene) {
      const secret = await secretOf(scene);
      const child = spawn(process.execPath, ['-e', WAITING_CHILD], { env: {} });
      const lease = secret.lend();
      await new Promise((resolve) => child.stdin.write(lease.bytes, resolve));
      lease.release();
      return [secret, child];
    },
  },
  {
    what: 'a worker thread',
    call: '`workerData`',
    run({ marker }) {
      const code = "require('node:worker_threads').parentPort.on('message', () => {})";
      const worker = new Worker(code, { eval: true, workerData: stringOf(marker) });
      return new Promise((resolve) => worker.once('online', () => resolve(worker)));
    },
  },
  {
    what: 'a file',
    call: '`read`, and `writeSync` of the view',
    async run(scene) {
      const secret = await secretOf(scene);
      await withFile(scene.marker, (path) => secret.read((bytes) => appendTo(path, bytes)));
      return secret;
    },
  },
];

/** @param {string} path @param {Uint8Array} bytes */
function appendTo(path, bytes) {
  const fd = openSync(path, 'a');
  writeSync(fd, bytes);
  closeSync(fd);
}
