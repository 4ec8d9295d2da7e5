import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** What jest's environment with a DOM takes out of the global scope. */
const TAKEN = [
  'TextEncoder',
  'TextDecoder',
  'structuredClone',
  'ReadableStream',
  'ReadableByteStreamController',
];

const PROGRAM = `
for (const name of ${JSON.stringify(TAKEN)}) delete globalThis[name];
const { createAllocator, hmac } = await import('@securemem/core');
const made = [];
for (const [name, factory] of [['koffi', 'koffiBackend'], ['napi', 'napiBackend'], ['nolock', 'nolockBackend']]) {
  const backend = (await import('@securemem/' + name))[factory]();
  const memory = createAllocator({ backend });
  const key = memory.randomSync(32);
  made.push(name + ' ' + hmac('sha256', key, new Uint8Array(1)).length);
  await memory.close();
}
console.log(made.join(', '));
`;

it('P11 works where the surroundings took away the globals that node has, as jest with a DOM does', () => {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const line = ['--input-type=module', '--eval', PROGRAM];
  const { stdout, stderr } = spawnSync(process.execPath, line, { cwd, encoding: 'utf8' });
  expect({ stdout, stderr }).toEqual({ stdout: 'koffi 32, napi 32, nolock 32\n', stderr: '' });
}, 120_000);
