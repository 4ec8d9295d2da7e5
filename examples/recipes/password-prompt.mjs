// password-prompt.mjs
import { createAllocator, scrypt } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

const memory = createAllocator({ backend: koffiBackend() });
const password = await memory.fromTerminal({ prompt: 'Password: ' });
const key = await scrypt(password, {
  byteLength: 32,
  salt: new TextEncoder().encode('of this vault'),
});
password.dispose();
console.log(key.byteLength);
await memory.close();
