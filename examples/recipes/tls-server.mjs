// tls-server.mjs
import { createServer } from 'node:https';

/** @param {import('@securemem/core').Allocator} memory @param {{ key: string, cert: Buffer }} files */
export async function serve(memory, { key, cert }, answer = 'hello') {
  const text = await memory.fromFile(key);
  // Node copies the key into OpenSSL, which keeps it for as long as the server lives. Ours ends here.
  const lease = text.lend();
  const options = { key: Buffer.from(lease.bytes.buffer), cert };
  const server = createServer(options, (_, reply) => reply.end(answer));
  lease.release();
  text.dispose();
  return server;
}
