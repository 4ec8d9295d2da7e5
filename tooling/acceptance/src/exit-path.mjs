/**
 * A program that holds a secret and leaves by one path: `node exit-path.mjs BACKEND PATH`. It says on standard output, with
 * synchronous writes, what happened on its way out, one JSON object a line.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { openBackend } from './backends.mjs';
import { createMarker } from './memory-scan.mjs';

const [backendName = '', path = ''] = process.argv.slice(2);

/** @param {object} value */
const say = (value) => void writeSync(1, `${JSON.stringify(value)}\n`);
const handlers = () =>
  ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name));

const before = handlers();
const exitHooks = path !== 'no-hooks';
const memory = createAllocator({ backend: openBackend(backendName), exitHooks });
const marker = createMarker();
const secret = memory.adoptSync(marker.fill(new Uint8Array(new ArrayBuffer(marker.byteLength))));
const closedPages = true;
const held = marker.count({ closedPages });
subscribe('securemem:purge', (message) => {
  const { reason, secrets } = /** @type {{ reason: string, secrets: number }} */ (message);
  const left = marker.count({ closedPages });
  say({ purged: reason, secrets, held, left, disposed: secret.disposed });
});

/** @type {Record<string, () => void | Promise<void>>} */
const paths = {
  normal: () => {},
  throw: () => {
    try {
      setImmediate(() => {
        throw new Error('broken');
      });
    } finally {
      say({ finally: 'of the turn before' });
    }
  },
  async rejection() {
    try {
      void Promise.reject(new Error('broken'));
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    } finally {
      say({ finally: true });
    }
  },
  exit: () => {
    try {
      process.exit(1);
    } finally {
      say({ finally: true });
    }
  },
  lease: () => {
    const lease = secret.lend();
    process.on('exit', () => say({ lent: lease.bytes.every((byte) => byte === 0) }));
  },
  abort: () => process.abort(),
  wait: () => void setInterval(() => {}, 1000),
  'no-hooks': () => void setInterval(() => {}, 1000),
  drain: () => {
    const timer = setInterval(() => {}, 1000);
    process.on('SIGTERM', () => {
      const intact = secret.read((bytes) => bytes.some((byte) => byte !== 0));
      say({ draining: true, intact });
      clearInterval(timer);
    });
  },
  async close() {
    await memory.close();
    say({ handlers: handlers(), before });
  },
};
say({ ready: true, handlers: handlers(), before });
await paths[path]?.();
