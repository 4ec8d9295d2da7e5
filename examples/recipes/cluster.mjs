// cluster.mjs
import cluster from 'node:cluster';
import { createAllocator, hmac } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

if (cluster.isPrimary) {
  // The lock limit is for each process: workers of a cluster do not share it.
  for (let i = 0; i < 2; i++) cluster.fork().on('message', (mac) => console.log(mac));
} else {
  const memory = createAllocator({ backend: koffiBackend() });
  const key = await memory.fromFile(String(process.argv[2]));
  process.send?.(hmac('sha256', key, 'hello').toString('hex'), () => process.disconnect());
}
