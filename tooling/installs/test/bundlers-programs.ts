/** Says what each backend gives and whether a keeper opens, as one line of JSON. An ES module that every bundler takes. */
export const PROGRAM = `
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createAllocator, hmac } from '@securemem/core';
import { openKeeper } from '@securemem/keeper';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';

async function isLocked(factory) {
  const probe = factory.probe();
  if (!probe.available) return probe.reason;
  const memory = createAllocator({ backend: factory() });
  const key = memory.randomSync(32);
  if (hmac('sha256', key, 'hello').length !== 32) throw new Error('no MAC');
  const { locked } = key.receipt;
  key.dispose();
  await memory.close();
  return locked;
}

async function macOfKeeper() {
  const module = pathToFileURL(join(process.cwd(), 'keeper-module.mjs'));
  const keeper = await openKeeper({ module });
  const mac = await keeper.call('sign', new Uint8Array([1]));
  await keeper.close();
  return mac.length;
}

async function main() {
  const found = {};
  for (const factory of [koffiBackend, napiBackend, nolockBackend]) {
    found[factory.backendName] = await isLocked(factory);
  }
  found.keeper = await macOfKeeper().catch(({ message }) => message);
  console.log(JSON.stringify(found));
}

main();
`;

/** What runs in the keeper that the program opens. */
export const KEEPER_MODULE = `
import { hmac } from '@securemem/core';
import { defineKeeper } from '@securemem/keeper';
import { koffiBackend } from '@securemem/koffi';

export default defineKeeper({
  backend: koffiBackend,
  provision: async ({ memory }) => ({ key: await memory.random(32) }),
  operations: { sign: (message, { state }) => hmac('sha256', state.key, message) },
});
`;

/** For one file on Node 26.9 and later: locked memory with nothing beside it. */
export const ALONE = `
import { createAllocator } from '@securemem/core';
import { ffiBackend } from '@securemem/ffi';

const memory = createAllocator({ backend: ffiBackend() });
console.log('locked:', memory.randomSync(32).receipt.locked);
memory.close();
`;

/** Run before the program: the globals of a page, and without one that pages of some test environments lack. */
export const PAGE_GLOBALS = `
globalThis.window = globalThis;
globalThis.self = globalThis;
globalThis.document = { currentScript: null, baseURI: 'http://localhost/' };
globalThis.location = { href: 'http://localhost/' };
delete globalThis.TextEncoder;
`;

/** A test of a user, for Jest. \`hasAddon\` is told by whoever starts it. */
export const JEST_TEST = `
const { createAllocator, hmac } = require('@securemem/core');
const { koffiBackend } = require('@securemem/koffi');
const { napiBackend } = require('@securemem/napi');

const backends = process.env.HAS_ADDON === '1' ? [koffiBackend, napiBackend] : [koffiBackend];

test.each(backends)('signs under a key in locked memory', async (factory) => {
  expect(typeof document.createElement).toBe('function');
  const memory = createAllocator({ backend: factory() });
  const [key, other] = memory.allocateAllSync([32, 32]);
  expect(key.receipt.locked).toBe(true);
  expect(hmac('sha256', key, 'hello')).toHaveLength(32);
  expect(key).not.toEqual(other);
  await memory.close();
});
`;
