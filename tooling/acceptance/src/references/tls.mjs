/** Handshakes whose private key is a reference, of servers and of clients. Says what became of each in one line of JSON. */
import { createHash, X509Certificate } from 'node:crypto';
import { Agent, createServer as createHttps, get } from 'node:https';
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

// Another key while a connection is open, which goes on; new ones get the other.
{
  const [first, second] = [await referenceOf('P-256'), await referenceOf('RSA')];
  const server = createHttps(
    { key: first.pem, cert: identities['P-256'].certificate },
    (_, response) => response.end('hello'),
  );
  const port = await listening(server);
  const ca = [identities['P-256'].certificate, identities.RSA.certificate];
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  /** @param {Agent | false} agent @returns {Promise<string>} whose certificate it was, and whether the connection was there before */
  const ask = (agent) =>
    new Promise((resolve) => {
      const to = { port, host: '127.0.0.1', servername: 'localhost', ca, agent };
      const request = get(to, (response) => {
        const { raw } = /** @type {import('node:tls').TLSSocket} */ (
          response.socket
        ).getPeerCertificate();
        const seenDigest = createHash('sha256').update(raw).digest('hex');
        const whose = TYPES.find((type) => digestOf(identities[type].certificate) === seenDigest);
        response
          .resume()
          .on('end', () => resolve(`${request.reusedSocket ? 'kept' : 'new'} ${whose}`));
      }).on('error', (error) => resolve(String(error)));
    });
  const before = await ask(kept);
  server.setSecureContext({ key: second.pem, cert: identities.RSA.certificate });
  first.secret.dispose();
  const told = [before, await ask(kept), await ask(false), await ask(kept)].join(', ');
  seen['another key, connections open'] =
    told === 'new P-256, kept P-256, new RSA, kept P-256' ? 'yes' : told;
  kept.destroy();
  server.close();
  server.closeAllConnections();
}

// A session can be taken up again, which needs no signature: after the end of the key too.
for (const version of /** @type {const} */ (['TLSv1.2', 'TLSv1.3'])) {
  const { secret, pem } = await referenceOf('P-256');
  const ca = identities['P-256'].certificate;
  const server = createServer(
    { key: pem, cert: ca, minVersion: version, maxVersion: version },
    (socket) => {
      socket.on('error', () => {});
      socket.end('hello');
    },
  );
  server.on('tlsClientError', () => {});
  const port = await listening(server);
  /** @param {Buffer} [session] @returns {Promise<{ how: string, session: Buffer | undefined }>} */
  const connectWith = (session) =>
    new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, session });
      /** @type {Buffer | undefined} */
      let given;
      let how = 'nothing heard';
      socket.on('session', (made) => {
        given = made;
      });
      socket.on('data', () => {
        how = socket.isSessionReused() ? 'resumed' : 'new';
      });
      socket.on('error', () => {
        how = 'refused';
      });
      socket.on('close', () => resolve({ how, session: given }));
    });
  const first = await connectWith();
  const again = await connectWith(first.session);
  secret.dispose();
  const after = await connectWith(first.session);
  const fresh = await connectWith();
  const told = [first.how, again.how, after.how, fresh.how].join(', ');
  seen[`resumed ${version}`] = told === 'new, resumed, resumed, refused' ? 'yes' : told;
  server.close();
}

// A certificate of another key.
{
  const { pem } = await referenceOf('P-384');
  try {
    createServer({ key: pem, cert: identities['P-256'].certificate });
    seen['certificate of another key'] = 'taken';
  } catch (error) {
    seen['certificate of another key'] = String(/** @type {NodeJS.ErrnoException} */ (error).code);
  }
}

await memory.close();
console.log(JSON.stringify(seen));
