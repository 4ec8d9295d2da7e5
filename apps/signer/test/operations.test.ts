import { chmodSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { makeFiles, problemOf, TOKEN, testService } from './service.js';
import { ServiceProcess } from './service-process.js';

const SECOND_TOKEN = 'another-token-for-tests-of-at-least-32';

function bearer(token: string) {
  return { authorization: `Bearer ${token}` };
}

async function metric(url: string, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? 0);
}

/** The lines of its log. */
function linesOf(service: ServiceProcess): Record<string, unknown>[] {
  return service.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

describe('KS6 readiness', () => {
  test('/readyz is 200 only while it can sign; /livez is 200 always', async () => {
    const service = await testService({ sealed: true });
    const ready = async () => (await fetch(`${service.url}/readyz`)).status;
    expect(await ready()).toBe(503);
    await service.post('/v1/vault/unseal');
    expect(await ready()).toBe(200);
    expect(await metric(service.url, /^signer_ready (\d)$/m)).toBe(1);
    await service.post('/v1/vault/seal');
    expect(await ready()).toBe(503);
    expect((await fetch(`${service.url}/health`)).status).toBe(503);
    expect((await fetch(`${service.url}/livez`)).status).toBe(200);
  });

  test.each([
    ['terminate', 'lost'],
    ['halt', 'halted'],
  ])(
    'under the policy %s a keeper that died is %s, not ready, and in the log',
    async (policy, state) => {
      const options = ['--signing', 'keeper', '--crash-policy', policy];
      const service = await ServiceProcess.start(makeFiles(), options);
      const { health } = (await (await fetch(`${service.url}/v1/sample`)).json()) as {
        health: { pid: number };
      };
      process.kill(health.pid, 'SIGSEGV');
      await expect
        .poll(
          async () =>
            ((await (await fetch(`${service.url}/readyz`)).json()) as { state: string }).state,
          {
            timeout: 20_000,
          },
        )
        .toBe(state);
      expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
      const unsealed = await service.post('/v1/vault/unseal');
      // A halt stays one; what is merely lost is read again.
      expect(unsealed.status).toBe(state === 'halted' ? 503 : 200);
      await service.post('/v1/vault/seal');
      expect(await service.end('SIGTERM')).toBe(0);
      const events = linesOf(service).map(({ event }) => event);
      expect(events).toEqual(
        expect.arrayContaining(['keeper-crash', 'not-ready', 'listening', 'wiped']),
      );
    },
  );

  test.each([
    ['exit', []],
    ['terminate', ['--exit-when-lost']],
  ])('under the policy %s %s it ends with code 70 when its keeper dies', async (policy, more) => {
    const options = ['--signing', 'keeper', '--crash-policy', policy, ...more];
    const service = await ServiceProcess.start(makeFiles(), options);
    const { health } = (await (await fetch(`${service.url}/v1/sample`)).json()) as {
      health: { pid: number };
    };
    const ended = new Promise((resolve) => service.child.once('close', resolve));
    process.kill(health.pid, 'SIGKILL');
    expect(await ended).toBe(70);
  });
});

describe('the log', () => {
  test('has a line for every request, with its id, and no body, token or key', async () => {
    const service = await ServiceProcess.start(makeFiles());
    const marker = 'nobody-may-read-this';
    const { address } = (await (await service.post('/v1/keys')).json()) as { address: string };
    const answer = await fetch(`${service.url}/v1/keys/${address}/messages?${marker}`, {
      method: 'POST',
      headers: {
        ...bearer(TOKEN),
        'content-type': 'application/json',
        'x-request-id': 'mine-1',
        'x-other': marker,
      },
      body: JSON.stringify({ text: marker }),
    });
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    const forged = await fetch(`${service.url}/livez`, {
      headers: { 'x-request-id': `a"b ${marker}` },
    });
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    await fetch(`${service.url}/${marker}`);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(service.stderr).not.toContain(marker);
    expect(service.stderr).not.toContain(TOKEN);
    expect(linesOf(service)).toContainEqual(
      expect.objectContaining({
        requestId: 'mine-1',
        route: '/v1/keys/:address/messages',
        status: 200,
        msg: 'request',
      }),
    );
  });
});

describe('the file of tokens', () => {
  test('is read again when it changes; a token that is out of it opens nothing', async () => {
    const service = await testService();
    const make = async (token: string) =>
      (await service.post('/v1/keys', undefined, bearer(token))).status;
    expect(await make(TOKEN)).toBe(201);
    writeFileSync(service.files.token, `${TOKEN}\n${SECOND_TOKEN}\n`);
    expect([await make(TOKEN), await make(SECOND_TOKEN)]).toEqual([201, 201]);
    writeFileSync(service.files.token, `${SECOND_TOKEN}\r\n`);
    expect([await make(TOKEN), await make(SECOND_TOKEN)]).toEqual([401, 201]);
  });

  test('that is gone, too short, or open to others lets nobody in until it is mended', async () => {
    const service = await testService();
    const make = async () => problemOf(await service.post('/v1/keys'));
    const { token } = service.files;
    rmSync(token);
    expect(await make()).toEqual({ status: 503, type: 'no-tokens' });
    writeFileSync(token, 'short', { mode: 0o600 });
    expect(await make()).toEqual({ status: 503, type: 'no-tokens' });
    writeFileSync(token, TOKEN);
    expect((await service.post('/v1/keys')).status).toBe(201);
    chmodSync(token, 0o640);
    expect(await make()).toEqual({ status: 503, type: 'no-tokens' });
    chmodSync(token, 0o600);
    expect((await service.post('/v1/keys')).status).toBe(201);
  });
});

describe('KS21 a file of a secret that others can use', () => {
  test.each([0o644, 0o640, 0o604, 0o620, 0o660])('with the mode %o is refused', async (mode) => {
    const files = makeFiles();
    chmodSync(files.masterKey, mode);
    await expect(testService({}, files)).rejects.toMatchObject({ slug: 'unsafe-file' });
    await expect(testService({ signing: 'keeper' }, files)).rejects.toMatchObject({
      slug: 'unsafe-file',
    });
    chmodSync(files.masterKey, 0o400);
    chmodSync(files.token, mode);
    await expect(testService({}, files)).rejects.toThrow('chmod 600');
  });
});

describe('KS20 a start that fails', () => {
  test('says why, in one line', async () => {
    const options = ['--signing', 'keeper', '--budget', '16384'];
    const service = ServiceProcess.start(makeFiles(), [
      ...options,
      '--backend',
      'nolock',
      '--raise-limit',
    ]);
    await expect(service).rejects.toThrow('code 2');
    const started = testService({
      signing: 'keeper',
      backend: 'koffi',
      budgetByteLength: 4_096,
    });
    await expect(started).rejects.toMatchObject({
      slug: 'keeper-gone',
      message: expect.stringMatching(/ERR_SECMEM_KEEPER_CRASHED: .+/),
    });
  });
});

describe('a unix socket', () => {
  test('is for its owner only, replaces one of a dead service, and is not taken from a live one', async () => {
    const files = makeFiles();
    const path = join(files.directory, 'signer.sock');
    const first = await ServiceProcess.start(files, ['--socket', path]);
    await first.end('SIGKILL');
    const listening = { kind: 'socket', path } as const;
    const service = await testService({ listening }, files);
    expect(service.url).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const status = await new Promise((resolve, reject) => {
      const options = {
        socketPath: path,
        path: '/v1/keys',
        method: 'POST',
        headers: bearer(TOKEN),
      };
      request(options, ({ statusCode }) => resolve(statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(201);
    await expect(testService({ listening }, makeFiles())).rejects.toThrow('another service');
    writeFileSync(`${path}.file`, '');
    const occupied = { kind: 'socket', path: `${path}.file` } as const;
    await expect(testService({ listening: occupied }, makeFiles())).rejects.toThrow();
  });
});

/** Sends bytes as they are, and gives what comes back until the connection closes. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', () => resolve(answer));
  });
}

describe('KS18 what never becomes a request', () => {
  test.each([
    ['a request that never ends', 'GET /livez HTTP/1.1\r\nHo', 408, 'too-slow'],
    [
      'a body that never ends',
      `POST /v1/keys HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nabc`,
      408,
      'too-slow',
    ],
    [
      'bytes that are not HTTP',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
      400,
      'malformed',
    ],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
  ])('%s is answered with a problem document, and counted', async (_, bytes, status, slug) => {
    const service = await testService({ requestMsMax: 300 });
    const answer = await raw(service.url, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      type: `urn:securemem:signer:${slug}`,
      status,
    });
    const pattern = new RegExp(`_count\\{[^}]*status="${status}"[^}]*\\} (\\d+)`);
    await expect.poll(() => metric(service.url, pattern)).toBe(1);
  });

  test('a prompt client is not called slow when the service itself was busy', async () => {
    const service = await testService({ requestMsMax: 300 });
    const { hostname, port } = new URL(service.url);
    const socket = connect(Number(port), hostname);
    await new Promise((resolve) => socket.once('connect', resolve));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.write('GET /livez HTTP/1.1\r\nHost: local');
    // The first half has been read.
    await fetch(`${service.url}/livez`);
    socket.write('host\r\nConnection: close\r\n\r\n');
    const until = performance.now() + 1_500;
    while (performance.now() < until);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('KS19 a body that nobody wants', () => {
  const MEGABYTES = 20;

  test.each([
    ['too large', '/v1/keys', bearer(TOKEN), 413, 'application/json'],
    ['without a token', '/v1/keys', {}, 401, 'application/json'],
    ['to nowhere', '/nowhere', bearer(TOKEN), 413, 'application/json'],
    ['of another type', '/v1/keys', bearer(TOKEN), 415, 'text/plain'],
    ['as a key', '/v1/keys/import', bearer(TOKEN), 422, 'application/octet-stream'],
    ['to the JSON-RPC', '/', bearer(TOKEN), 413, 'application/json'],
  ])(
    '%s is answered before the connection ends, also with Connection: close',
    async (_, path, headers, status, type) => {
      const service = await testService();
      const { hostname, port } = new URL(service.url);
      for (const connection of ['keep-alive', 'close']) {
        const length = MEGABYTES * 1_048_576;
        const got = await new Promise<{ status: number; body: string }>((resolve, reject) => {
          const options = {
            ...{ hostname, port, path, method: 'POST' },
            headers: { ...headers, connection, 'content-type': type, 'content-length': length },
          };
          const sent = request(options, (answer) => {
            let body = '';
            answer.on('data', (chunk) => {
              body += chunk;
            });
            answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
          });
          sent.on('error', reject);
          sent.end(Buffer.alloc(length, 0x20));
        });
        expect(got.status).toBe(status);
        expect(got.body).toContain('urn:securemem:signer:');
      }
    },
  );
});

test('the event log reaches whoever listens with its severity', async () => {
  const service = await testService();
  const listener = vi.fn();
  service.running.log.listen(listener);
  service.running.log.add('x', 'text', 'error');
  expect(listener).toHaveBeenCalledWith(expect.objectContaining({ severity: 'error' }));
});
