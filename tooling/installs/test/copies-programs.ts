/** Programs for a project in which `@securemem/core` and `plugin` bring a copy of core each. */
export const PRELUDE = `
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import * as first from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { nolockBackend } from '@securemem/nolock';
import { core as second, where } from 'plugin';

const say = (text) => writeSync(1, text + '\\n');
const thrownBy = (run) => {
  try {
    run();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
};
/** nolock, but its memory is always full: what it throws is of the class it is given. */
const fullBackend = (makeError) => {
  const backend = nolockBackend();
  return new Proxy(backend, {
    get: (target, name) => {
      if (name === 'map') return () => { throw makeError(); };
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
};
`;

/** Live secrets in both copies, one in the first and two in the second, and a line for each purge. */
export const ENDING = `
subscribe('securemem:purge', ({ reason, secrets }) => say(reason + ' ' + secrets));
const one = first.createAllocator({ backend: koffiBackend() });
const two = second.createAllocator({ backend: koffiBackend() });
one.randomSync(32);
two.randomSync(32);
two.randomSync(32);
`;

/** What has to hold; a program that ends with 0 has shown it. */
export const FACTS = [
  {
    name: 'are really two',
    what: 'two',
    program: `
assert.notEqual(import.meta.resolve('@securemem/core'), where);
assert.notEqual(first.SecureMemoryError, second.SecureMemoryError);
assert.notEqual(first.Secret, second.Secret);
`,
  },
  {
    name: 'lock memory and use it, each for itself and beside the other',
    what: 'work',
    program: `
const macs = [];
const open = [first, second].map((core) => ({ core, memory: core.createAllocator({ backend: koffiBackend() }) }));
for (const { core, memory } of open) {
  const key = memory.adoptSync(new Uint8Array(new ArrayBuffer(32)).fill(7));
  assert.equal(key.receipt.locked, true);
  macs.push(core.hmac('sha256', key, 'hello').toString('hex'));
  const sealed = key.seal();
  const opened = await memory.open(sealed);
  opened.read((bytes) => assert.equal(bytes.every((byte) => byte === 7), true));
  opened.dispose();
}
assert.equal(macs[0], macs[1]);
for (const { memory } of open) {
  assert.equal((await memory.verify()).discrepancies.length, 0);
  await memory.close();
  assert.equal(memory.stats().secrets, 0);
}
`,
  },
  {
    name: 'recognise the errors of each other by their code, which instanceof does not',
    what: 'errors',
    program: `
for (const [own, other] of [[first, second], [second, first]]) {
  const memory = own.createAllocator({ backend: nolockBackend() });
  const secret = memory.randomSync(32);
  secret.dispose();
  const error = thrownBy(() => secret.read(() => {}));
  assert.equal(error.code, 'ERR_SECMEM_DISPOSED');
  assert.equal(error instanceof other.SecureMemoryError, false);
  assert.equal(other.isSecureMemoryError(error), true);
  assert.equal(other.isSecureMemoryError(error, 'ERR_SECMEM_DISPOSED'), true);
  assert.equal(other.isSecureMemoryError(error, 'ERR_SECMEM_CLOSED'), false);
  const stranger = Object.assign(new Error('no brand'), { code: error.code, kind: error.kind });
  assert.equal(other.isSecureMemoryError(stranger), false);
  await memory.close();
}
`,
  },
  {
    name: 'decide by errors of a backend that was built with the other copy',
    what: 'policy',
    program: `
for (const [own, other] of [[first, second], [second, first]]) {
  const makeError = () => new other.SecureMemoryError('ERR_SECMEM_LOCK_LIMIT', 'full');
  const memory = own.createAllocator({
    backend: fullBackend(makeError),
    fallback: nolockBackend(),
    onCapacity: 'fallback',
  });
  const secret = await memory.allocate(32);
  assert.equal(secret.receipt.locked, false);
  await memory.close();
  // The control: an error without the brand is a defect, and nothing to fall back from.
  const broken = own.createAllocator({
    backend: fullBackend(() => new Error('full')),
    fallback: nolockBackend(),
    onCapacity: 'fallback',
  });
  await assert.rejects(broken.allocate(32));
  await broken.close();
}
`,
  },
  {
    name: 'refuse the secrets of each other instead of taking them for bytes',
    what: 'secrets',
    program: `
for (const [own, other] of [[first, second], [second, first]]) {
  const memory = own.createAllocator({ backend: nolockBackend() });
  const secret = memory.randomSync(32);
  assert.throws(() => other.hmac('sha256', secret, 'hello'));
  assert.throws(() => other.hash('sha256', secret));
  assert.throws(() => other.toKeyObject(secret));
  const theirs = other.createAllocator({ backend: nolockBackend() });
  const place = theirs.allocateSync(32);
  assert.throws(() => place.copyFrom(secret), TypeError);
  assert.throws(() => theirs.adoptSync(secret), TypeError);
  secret.read((bytes) => assert.equal(bytes.some((byte) => byte !== 0), true));
  await theirs.close();
  await memory.close();
}
`,
  },
] as const;
