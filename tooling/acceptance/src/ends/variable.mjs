/**
 * A program that was given a secret in a variable, which another process then looks at: `variable.mjs BACKEND SCENE`. It
 * says what it knows in one line of JSON, and lives until its standard input ends.
 */
import { subscribe } from 'node:diagnostics_channel';
import { Worker } from 'node:worker_threads';
import { createAllocator } from '@securemem/core';
import koffi from 'koffi';
import { openBackend } from '../backends.mjs';

/** The variable that holds the secret. */
const NAME = 'APP_KEY';

/** The flags of a descriptor, of which there is one: closed by `execve`. */
const F_SETFD = 2;

const [backendName = '', scene = ''] = process.argv.slice(2);

/** What is held while somebody looks. @type {unknown[]} */
const held = [];
/** @type {unknown[]} */
const events = [];
subscribe('securemem:credential-found', (message) => events.push(message));

const backend = openBackend(backendName);
const memory = createAllocator({ backend });

/** Takes it as the documentation says. */
async function take() {
  const secret = await memory.fromEnvironment(NAME);
  held.push(secret);
  return { byteLength: secret.byteLength };
}

/** A thread that has a copy of the environment, and stays. */
function startWorker() {
  const worker = new Worker("require('node:worker_threads').parentPort.on('message', () => {})", {
    eval: true,
  });
  held.push(worker);
  return new Promise((resolve) => worker.once('online', resolve));
}

/** @type {Record<string, () => unknown>} */
const scenes = {
  take,
  untouched: () => ({}),
  readFirst: () => {
    held.push(process.env[NAME]);
    return take();
  },
  spreadFirst: () => {
    held.push({ ...process.env });
    return take();
  },
  readAndDelete: () => {
    held.push(process.env[NAME]);
    delete process.env[NAME];
    return {};
  },
  deleteOnly: () => {
    delete process.env[NAME];
    return {};
  },
  async workerFirst() {
    await startWorker();
    return take();
  },
  /** The value that the process was started with stands in its first block still. */
  setAgain: () => {
    process.env[NAME] = 'another';
    return take();
  },
  ownObject: () => {
    process.env = { ...process.env };
    return take();
  },
  /** More than a variable usually holds, and nearly as much as the kernel lets one hold. */
  async takeHuge() {
    const secret = await memory.fromEnvironment(NAME, { byteLengthMax: 131_072 });
    held.push(secret);
    return { byteLength: secret.byteLength };
  },
  /** A worker with an allocator of its own, whose environment is a copy. */
  async inWorker() {
    const source = `const { parentPort, workerData } = require('node:worker_threads');
      (async () => {
        const { openBackend } = await import(workerData.backends);
        const { createAllocator } = await import(workerData.core);
        const memory = createAllocator({ backend: openBackend(workerData.backendName) });
        const error = await memory.fromEnvironment('${NAME}').catch((reason) => reason);
        await memory.close();
        parentPort.postMessage(error.code);
      })();`;
    const backends = new URL('../backends.mjs', import.meta.url).href;
    const core = import.meta.resolve('@securemem/core');
    const workerData = { backends, core, backendName };
    const worker = new Worker(source, { eval: true, workerData });
    const code = await new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    return { code, ...(await take()) };
  },
  async twoAtOnce() {
    const results = await Promise.allSettled([take(), take()]);
    return {
      outcomes: results.map((result) => result.status),
      rejected: results.flatMap((result) =>
        result.status === 'rejected' ? [result.reason.details.reason] : [],
      ),
    };
  },
  /** What a backend would do that forgets to overwrite. */
  copyWithoutErasing: () => {
    const libc = koffi.load(null);
    const secret = memory.allocateSync(64);
    const value = libc.func('void *getenv(str)')(NAME);
    secret.write(
      (bytes) => void libc.func('void *memcpy(void *, void *, size_t)')(bytes, value, 64),
    );
    libc.func('int unsetenv(str)')(NAME);
    held.push(secret);
    return {};
  },
  /** A second variable of the same name, as a shell or an `execve` by hand can make it. */
  runAgainWithTwo: () => {
    const libc = koffi.load(null);
    const value = libc.func('const char *getenv(const char *)')(NAME);
    // Node closes its standard streams in every program that follows it in this process.
    const setFlags = libc.func('int fcntl(int, int, int)');
    for (const fd of [0, 1, 2]) setFlags(fd, F_SETFD, 0);
    const line = [process.execPath, process.argv[1] ?? '', backendName, 'take'];
    libc.func('int execve(const char *, const char **, const char **)')(
      process.execPath,
      [...line, null],
      [`${NAME}=${value}`, `OTHER${NAME}=kept`, `${NAME}=${value}`, null],
    );
  },
};

const answer = await scenes[scene]?.();
const said = {
  ...Object(answer),
  events,
  isSet: Object.hasOwn(process.env, NAME),
  // To list the names makes a copy of everything, values included.
  ...(scene === 'untouched' ? {} : { listed: Object.keys(process.env) }),
};
process.stdout.write(`${JSON.stringify(said)}\n`);
process.stdin.resume().once('end', () => process.exit(0));
