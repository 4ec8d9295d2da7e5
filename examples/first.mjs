// first.mjs
import { createAllocator, hmac } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

const memory = createAllocator({ backend: koffiBackend() });

const key = memory.randomSync(32); // or adopt(bytes), fromFile(path), fromTerminal(), …
try {
  console.log('locked:', key.receipt.locked);
  console.log(hmac('sha256', key, 'hello').toString('hex')); // the key goes to the consumer, not to you
  key.read((bytes) => console.log(bytes.length)); // a view for this call only
} finally {
  key.dispose(); // wiped when this returns
}
await memory.close();
