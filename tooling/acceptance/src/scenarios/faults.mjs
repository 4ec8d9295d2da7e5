import { createAllocator, isSecureMemoryError } from '@securemem/core';
import { faultyBackend } from '@securemem/core/testing';

const OPERATIONS = /** @type {const} */ ([
  'lockLimit',
  'map',
  'protect',
  'wipe',
  'read',
  'write',
  'openView',
  'inspect',
  'unmap',
  'seal',
  'unseal',
]);

/** Failures at later calls than this are not looked at: the calls repeat themselves by then. */
const POSITIONS = 8;

/** Protection at rest, and whether accesses are views or copies. */
const MODES = /** @type {const} */ ([
  ['accessible', true],
  ['no-access', true],
  ['accessible', false],
]);

/** Bytes off V8's moving heap. @param {number} byteLength */
const scratch = (byteLength) => new Uint8Array(new ArrayBuffer(byteLength)).fill(0x5a);

/** What a program does. What it holds when something throws is disposed afterwards. */
const SCENES = {
  async allocate({ memory, held }) {
    for (const byteLength of [64, 3_000, 9_000]) held.push(await memory.allocate(byteLength));
  },
  access({ memory, held }) {
    const secret = memory.adoptSync(scratch(64));
    held.push(secret);
    secret.write((bytes) => bytes.fill(1));
    secret.read((bytes) => bytes[0]);
    const lease = secret.lend();
    lease.release();
    memory.verify();
  },
  async several({ memory, held }) {
    held.push(...(await memory.allocateAll([64, 64, 5_000])));
  },
  async release({ memory, held, backend }) {
    const secret = memory.adoptSync(scratch(9_000));
    held.push(secret);
    await Promise.resolve();
    secret.copyFrom(scratch(9_000));
    const before = backend.calls('unmap');
    secret.dispose();
    // What nobody uses goes back after the idle time, whenever that is.
    while (backend.calls('unmap') === before) await new Promise((r) => setTimeout(r, 1));
  },
  resize({ memory, held }) {
    const secret = memory.adoptSync(scratch(64));
    held.push(secret);
    secret.resize(3_000);
    secret.resize(9_000);
  },
  async sealing({ memory, held }) {
    const secret = memory.adoptSync(scratch(64));
    held.push(secret);
    const sealed = secret.seal();
    held.push(sealed);
    held.push(await memory.open(sealed));
  },
  async phase({ memory }) {
    await memory.phase(async (phase) => {
      phase.adoptSync(scratch(64)).read((bytes) => bytes[0]);
    });
  },
};

/**
 * Each call of the contract fails at each position of each thing a program does, on real pages. Afterwards the allocator
 * works, and once it is closed the kernel counts no byte more than before.
 */
export async function eachCallOfEachScene({ open, options: { forget = false } }) {
  const inner = open();
  const table = {};
  let faults = 0;
  for (const [atRest, views] of MODES) {
    for (const [name, scene] of Object.entries(SCENES)) {
      for (const operation of OPERATIONS) {
        let failed = 0;
        while (
          failed < POSITIONS &&
          (await survives(inner, { atRest, views, scene, operation, on: failed + 1, forget }))
        ) {
          failed += 1;
        }
        table[`${name} ${operation}`] = Math.max(failed, table[`${name} ${operation}`] ?? 0);
        faults += failed;
      }
    }
  }
  inner[Symbol.dispose]();
  const untouched = OPERATIONS.filter((operation) =>
    Object.entries(table).every(([key, count]) => !key.endsWith(` ${operation}`) || count === 0),
  );
  return { faults, untouched };
}

/** False when the call was not made so often, and nothing failed. */
async function survives(inner, { atRest, views, scene, operation, on, forget }) {
  const lockedBefore = inner.lockedByteLength();
  const backend = faultyBackend(passingDisposeBy(inner, views));
  const memory = createAllocator({
    backend,
    atRest,
    exitHooks: false,
    onCapacity: 'throw',
    idleMs: 2,
  });
  const before = backend.calls(operation);
  backend.fail(operation, { on });
  const held = [];
  let thrown;
  try {
    await scene({ memory, held, backend });
  } catch (error) {
    thrown = error;
  }
  await new Promise((resolve) => setImmediate(resolve));
  const happened = backend.calls(operation) >= before + on;
  backend.heal();
  const what = `${scene.name}, ${operation} ${on}, ${atRest}`;
  if (thrown !== undefined && !isSecureMemoryError(thrown)) {
    throw new Error(`${what}: no typed error`, { cause: thrown });
  }
  if (!forget) for (const secret of held) secret.dispose();
  if (memory.stats().state === 'open') {
    const secret = memory.adoptSync(scratch(64));
    if (secret.read((bytes) => bytes[63]) !== 0x5a) throw new Error(`${what}: not usable`);
    secret.dispose();
    const { secrets } = memory.stats();
    if (secrets !== 0) throw new Error(`${what}: ${secrets} secrets are counted`);
  }
  await memory.close({ waitMsMax: 0 });
  const left = inner.lockedByteLength() - lockedBefore;
  if (left !== 0) throw new Error(`${what}: ${left} bytes are left locked`);
  return happened;
}

/** The same backend for many allocators, each of which would close it; without its views where none are wanted. */
function passingDisposeBy(inner, views) {
  const capabilities = views ? inner.capabilities : { ...inner.capabilities, views: 'none' };
  return new Proxy(inner, {
    get(target, name) {
      if (name === 'capabilities') return capabilities;
      if (name === Symbol.dispose) return () => {};
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
