/** Handshakes whose private key is a reference, of servers and of clients. Says what became of each in one line of JSON. */
import { createHash, X509Certificate } from 'node:crypto';
import { createServer as createHttps, get } from 'node:https';
import { connect, createServer } from 'node:tls';
import { createAllocator, toTlsKey } from '@securemem/core';
import { napiBackend } from '@securemem/napi';
import { identities } from './identities.mjs';

const count = Number(process.argv[2] ?? 3);
const memory = createAllocator({ backend: napiBackend() });
const TYPES = /** @type {const} */ (['P-256', 'P-384', 'Ed25519', 'RSA']);
/** @type {Record<string, string>} */
const seen = {};

/** @param {(typeof TYPES)[number]} type */
async function referenceOf(type) {
  const { secret } = await memory.fromPem(Buffer.from(identities[type].key));
  return { secret, pem: toTlsKey(secret, { tlsOnly: true }) };
}

/** @param {import('node:net').Server} server @returns {Promise<number>} */
const listening = (server) =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port);
    });
  });

/** @param {import('node:tls').ConnectionOptions} options @returns {Promise<string>} the digest of the certificate, or the code of an error */
const shake = (options) =>
  new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', ...options });
    socket.on('error', (error) =>
      resolve(/** @type {NodeJS.ErrnoException} */ (error).code ?? error.message),
    );
    socket.on('data', () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(createHash('sha256').update(raw).digest('hex'));
    });
  });

const digestOf = (/** @type {string} */ certificate) =>
  createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');

for (const type of TYPES) {
  const { secret, pem } = await referenceOf(type);
  const { certificate } = identities[type];
  for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
    const server = createServer(
      { key: pem, cert: certificate, minVersion: version, maxVersion: version },
      (socket) => {
        socket.on('error', () => {});
        socket.end('hello');
      },
    );
    /** @type {string[]} */
    const serverErrors = [];
    server.on('tlsClientError', (error) =>
      serverErrors.push(String(/** @type {NodeJS.ErrnoException} */ (error).code)),
    );
    const port = await listening(server);
    const answers = new Set(
      await Promise.all(Array.from({ length: count }, () => shake({ port, ca: certificate }))),
    );
    const right = answers.size === 1 && answers.has(digestOf(certificate));
    seen[`server ${type} ${version}`] = right ? 'yes' : [...answers, ...serverErrors].join(' ');
    if (version === 'TLSv1.3') {
      secret.dispose();
      const after = await shake({ port, ca: certificate });
      seen[`server ${type} after its end`] =
        `${after.length === 64 ? 'a handshake' : 'refused'} ${serverErrors.join(' ')}`;
    }
    server.close();
  }
}

// A client that proves who it is.
{
  const { pem } = await referenceOf('P-256');
  const { key, certificate } = identities.RSA;
  const client = identities['P-256'].certificate;
  for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
    const server = createServer(
      {
        key,
        cert: certificate,
        ca: client,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: version,
        maxVersion: version,
      },
      (socket) => {
        socket.on('error', () => {});
        socket.end('hello');
      },
    );
    server.on('tlsClientError', () => {});
    const port = await listening(server);
    const answer = await shake({ port, ca: certificate, key: pem, cert: client });
    seen[`client P-256 ${version}`] = answer === digestOf(certificate) ? 'yes' : answer;
    server.close();
  }
}

// Another key while connections are open, and a certificate of another key.
{
  const first = await referenceOf('P-256');
  const [second, third] = [await referenceOf('RSA'), await referenceOf('P-384')];
  const server = createHttps(
    { key: first.pem, cert: identities['P-256'].certificate },
    (_, response) => response.end('hello'),
  );
  const port = await listening(server);
  const ca = [identities['P-256'].certificate, identities.RSA.certificate];
  server.setSecureContext({ key: second.pem, cert: identities.RSA.certificate });
  first.secret.dispose();
  seen['https after setSecureContext'] = await new Promise((resolve) => {
    get({ port, host: '127.0.0.1', servername: 'localhost', ca, agent: false }, (response) => {
      response.resume().on('end', () => resolve('yes'));
    }).on('error', (error) => resolve(String(error)));
  });
  server.close();
  server.closeAllConnections();
  try {
    createServer({ key: third.pem, cert: identities['P-256'].certificate });
    seen['certificate of another key'] = 'taken';
  } catch (error) {
    seen['certificate of another key'] = String(/** @type {NodeJS.ErrnoException} */ (error).code);
  }
}

await memory.close();
console.log(JSON.stringify(seen));
