import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttps, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { type Certificate, makeCertificate } from '../src/ends/certificate.js';
import { textOf, watch } from '../src/ends/watched.js';
import { createMarker, type Hit, type Marker } from '../src/memory-scan.mjs';
import { MEASURED, nodeOf } from '../src/nodes.js';
import { needs } from '../src/run-scenario.js';

const PROGRAM = fileURLToPath(new URL('../src/ends/https.mjs', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../../examples/https-secret.mjs', import.meta.url));
const certificate = makeCertificate();

/** One secret that goes out, one that comes in. */
interface Exchange {
  readonly token: Marker;
  readonly password: Marker;
}

const exchange = (): Exchange => ({
  token: createMarker().asText('base64url'),
  password: createMarker().asText('base64url'),
});

type Speak = (socket: TLSSocket, exchange: Exchange) => void;

function requireTools(context: TestContext, backend: string): Certificate {
  needs(context, backend);
  context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
  if (certificate === undefined) context.skip('not proven: needs openssl, for a certificate');
  return certificate as Certificate;
}

async function listening(server: HttpsServer | ReturnType<typeof createTls>): Promise<string> {
  server.listen(0);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

/** A server that speaks like the key-value store of Vault, version 2, or takes a bearer token. */
function vault(own: Certificate, { token, password }: Exchange, chunked: boolean): Promise<string> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { authorization = '', 'x-vault-token': vaultToken = '' } = request.headers;
    const given = [authorization, `Bearer ${String(vaultToken)}`];
    if (!given.includes(`Bearer ${textOf(token)}`)) {
      response.writeHead(403).end('{"errors":["permission denied"]}');
      return;
    }
    const data = { data: { password: textOf(password) }, metadata: { version: 3 } };
    const body = JSON.stringify({ request_id: 'a', lease_duration: 0, data });
    response.setHeader('content-type', 'application/json');
    if (!chunked) response.setHeader('content-length', Buffer.byteLength(body));
    if (chunked) response.write(body.slice(0, 40));
    response.end(chunked ? body.slice(40) : body);
  };
  return listening(createHttps(own, answer));
}

/** A server of TLS that does not speak as it should. */
function speaking(own: Certificate, speak: Speak, given: Exchange): Promise<string> {
  const server = createTls(own, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => speak(socket, given));
  });
  return listening(server);
}

interface Client {
  readonly origin: string;
  readonly ca: string;
  readonly name: string;
  readonly backend: string;
  readonly program?: string;
}

/** Runs a client and looks at it for both secrets: how many copies of each are in pages, and elsewhere. */
async function look(client: Client, { token, password }: Exchange) {
  const directory = mkdtempSync(join(tmpdir(), 'securemem-https-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const caFile = join(directory, 'ca.pem');
  writeFileSync(caFile, client.ca);
  const { program = process.execPath, backend, name, origin } = client;
  const args = [PROGRAM, backend, name, origin, caFile, token.masked()];
  const incoming = { locked: 0, others: [] as readonly Hit[] };
  const { said, locked, others } = await watch({ program, args }, token, (pid) => {
    const hits = password.find({ pid });
    incoming.locked = hits.filter((hit) => hit.locked).length;
    incoming.others = hits.filter((hit) => !hit.locked);
  });
  return { said, token: { locked, others }, password: incoming };
}

const NOTHING = { locked: 0, others: [] };

/** A head that promises `length` bytes. */
const head = (length: number, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\nContent-Length: ${length}\r\n\r\n`;
const body = (password: Marker, more = ''): string =>
  `{"data":{"data":{"password":"${textOf(password)}"}}}${more}`;

/** Servers that are slow, huge or broken, and in what the example ends. All but the first two have sent the secret. */
const BAD: Readonly<Record<string, readonly [code: string, speak: Speak]>> = {
  'says nothing': ['timeout', () => {}],
  'is not one of HTTP': ['malformed', (socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')],
  'never comes to an end': [
    'timeout',
    (socket, { password }) => socket.write(head(9_000) + body(password).slice(0, -1)),
  ],
  'sends without end': [
    'too-large',
    (socket, { password }) => {
      const more = (): void => {
        while (!socket.destroyed && socket.write(body(password).padEnd(4_096))) {}
      };
      socket.write(head(10 ** 9));
      socket.on('drain', more);
      more();
    },
  ],
  'breaks in the middle': [
    'malformed',
    (socket, { password }) => {
      socket.write(head(5_000) + body(password), () => socket.destroy());
    },
  ],
  'is cut off by somebody between': [
    'malformed',
    (socket, { password }) => socket.end(head(5_000) + body(password)),
  ],
  'sends more than it says': [
    'malformed',
    (socket, { password }) => socket.end(head(body(password).length) + body(password, 'x')),
  ],
  'says its length twice': [
    'malformed',
    (socket, { password }) =>
      socket.end(head(5).replace('\r\n\r\n', '\r\nContent-Length: 6\r\n\r\n') + body(password)),
  ],
  'has a broken chunk': [
    'malformed',
    (socket, { password }) =>
      socket.end(
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n${body(password)}\r\n0\r\n\r\n`,
      ),
  ],
  'sends no JSON': [
    'malformed',
    (socket, { password }) => {
      const text = body(password, '}');
      socket.end(head(text.length) + text);
    },
  ],
  'answers an error': [
    'status',
    (socket, { password }) => socket.end(head(body(password).length, '500 Oops') + body(password)),
  ],
};

describe('E4 examples/https-secret.mjs', () => {
  it.for([
    ['koffi', 'vault', false],
    ['koffi', 'bearer', true],
    ['napi-mlock', 'bearer', false],
  ] as const)(
    'E4 leaves no copy of what it sends and of what comes: %s, %s, chunked %s',
    { timeout: 60_000 },
    async ([backend, name, chunked], context) => {
      const own = requireTools(context, backend);
      const given = exchange();
      const origin = await vault(own, given, chunked);
      const found = await look({ origin, ca: own.cert, name, backend }, given);
      expect(found).toEqual({
        said: { byteLength: given.password.byteLength, secrets: 1 },
        token: NOTHING,
        password: { locked: 1, others: [] },
      });
    },
  );

  it.for(MEASURED)(
    'E4 leaves no copy on Node %s, and https.get does',
    { timeout: 60_000 },
    async (release, context) => {
      const own = requireTools(context, 'koffi');
      const node = nodeOf(release);
      if ('missing' in node) return context.skip(`not proven: ${node.missing}`);
      const given = exchange();
      const origin = await vault(own, given, false);
      const client = { origin, ca: own.cert, backend: 'koffi', program: node.program };
      const { token, password } = await look({ ...client, name: 'bearer' }, given);
      expect([token, password]).toEqual([NOTHING, { locked: 1, others: [] }]);
      const usual = await look({ ...client, name: 'usual' }, given);
      expect([usual.token.others.length > 0, usual.password.others.length > 0]).toEqual([
        true,
        true,
      ]);
    },
  );

  it.for(Object.keys(BAD))(
    'E4 ends in an error of its own, with nothing left, when the server %s',
    { timeout: 60_000 },
    async (what, context) => {
      const own = requireTools(context, 'koffi');
      const [code, speak] = BAD[what] as readonly [string, Speak];
      const given = exchange();
      const origin = await speaking(own, speak, given);
      const found = await look({ origin, ca: own.cert, name: 'bounded', backend: 'koffi' }, given);
      expect(found).toMatchObject({
        said: { name: 'HttpsSecretError', code, secrets: 0 },
        token: NOTHING,
        password: NOTHING,
      });
      expect(JSON.stringify(found.said)).not.toContain(textOf(given.password));
    },
  );

  it('E4 sends nothing to a server of the wrong name, of an unknown authority, or that is not there', {
    timeout: 60_000,
  }, async (context) => {
    const own = requireTools(context, 'koffi');
    const given = exchange();
    const other = makeCertificate('other.example') as Certificate;
    const requests: unknown[] = [];
    const receive: Speak = () => requests.push('a request');
    for (const [code, server, ca] of [
      ['untrusted', other, other.cert],
      ['untrusted', makeCertificate() as Certificate, own.cert],
      ['connection', undefined, own.cert],
    ] as const) {
      const origin =
        server === undefined ? 'https://localhost:1' : await speaking(server, receive, given);
      const found = await look({ origin, ca, name: 'bounded', backend: 'koffi' }, given);
      expect(found).toMatchObject({ said: { code, secrets: 0 }, token: NOTHING });
    }
    expect(requests).toEqual([]);
  });

  it('E4 is a program as well, which takes a token from a file', {
    timeout: 60_000,
  }, async (context) => {
    const own = requireTools(context, 'koffi');
    const given = exchange();
    const origin = await vault(own, given, true);
    const directory = mkdtempSync(join(tmpdir(), 'securemem-https-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const [token, ca] = [join(directory, 'token'), join(directory, 'ca.pem')];
    writeFileSync(token, `${textOf(given.token)}\n`);
    writeFileSync(ca, own.cert);
    const run = (pointer: string) =>
      promisify(execFile)(process.execPath, [EXAMPLE, `${origin}/v1`, pointer, token, ca]);
    const { stdout } = await run('/data/data/password');
    expect(stdout).toBe(`took ${given.password.byteLength} bytes; locked: true\n`);
    await expect(run('/data/none')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('HttpsSecretError'),
    });
  });
});
