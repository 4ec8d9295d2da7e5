import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:tls';

/** One handshake of a server with this key, and what its client sees of the certificate.
 * @param {{ key: string, certificate: string }} identity @param {'TLSv1.2' | 'TLSv1.3'} version */
export function handshake({ key, certificate }, version) {
  return new Promise((resolve, reject) => {
    const server = createServer(
      { key, cert: certificate, minVersion: version, maxVersion: version },
      (socket) => socket.end('hello'),
    );
    server.on('tlsClientError', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: certificate });
      client.on('error', reject);
      let heard = '';
      client.on('data', (data) => {
        heard += data;
      });
      client.on('end', () => {
        server.close();
        const digest = createHash('sha256').update(client.getPeerCertificate().raw).digest('hex');
        if (heard === 'hello') resolve(digest);
        else reject(new Error(`heard ${heard}`));
      });
    });
  });
}
