// A server signs every response with a key that it reads from a file, such as a Docker or Kubernetes secret. Under overload it
// answers 503 instead of failing. When it is told to stop it drains first.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createAllocator, hmac, isSecureMemoryError } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

const [keyFile = '/run/secrets/signing-key'] = process.argv.slice(2);

const memory = createAllocator({ backend: koffiBackend(), admission: { queueLengthMax: 1_000 } });
const root = await memory.fromFile(keyFile, { byteLength: 32 });

/** Holds a secret of its own while the request lasts, which is where a limit can be met.
 *  @param {string} body */
function signed(body) {
  return memory.phase(async (phase) => {
    const nonce = await phase.random(16, { waitMsMax: 5_000 });
    return nonce.read((bytes) => ({
      nonce: Buffer.from(bytes).toString('hex'),
      signature: hmac('sha256', root, [bytes, body]).toString('hex'),
    }));
  });
}

const server = createServer(async (_request, response) => {
  const body = JSON.stringify({ at: 'any time', balance: 42 });
  try {
    const { nonce, signature } = await signed(body);
    response.setHeader('signature', `nonce=${nonce}, mac=${signature}`);
    response.end(body);
  } catch (error) {
    response.statusCode = isSecureMemoryError(error) && error.kind === 'capacity' ? 503 : 500;
    response.end();
  }
});

// Listening to the signal ourselves keeps the allocator from wiping the key under requests that are still running.
process.once('SIGTERM', async () => {
  server.close();
  server.closeIdleConnections();
  await once(server, 'close');
  root.dispose();
  await memory.close();
  console.log('drained');
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? `listening on ${address?.port}` : address);
});
