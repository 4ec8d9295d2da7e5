import { connect } from 'node:net';
import { describe, expect, test, vi } from 'vitest';
import { makeFiles, problemOf, TOKEN, testService } from './service.js';

const ADDRESS = `0x${'1'.repeat(40)}`;

/** Sends bytes as they are, and gives what comes back until the connection closes. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

describe('the service refuses', () => {
  test.each([
    ['/v1/keys'],
    ['/v1/keys/import'],
    ['/v1/vault/seal'],
    ['/v1/vault/unseal'],
    [`/v1/keys/${ADDRESS}/messages`],
    [`/v1/keys/${ADDRESS}/transactions`],
    ['/v1/demonstration/lock-limit'],
    ['/v1/demonstration/keeper/kill'],
  ])('%s without a token, with a wrong one, and with a shorter one', async (path) => {
    const service = await testService({ demonstration: true });
    for (const authorization of [
      '',
      'Bearer wrong',
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Basic ${TOKEN}`,
    ]) {
      const response = await service.post(path, undefined, { authorization });
      expect(await problemOf(response)).toEqual({ status: 401, type: 'unauthorised' });
    }
  });

  test('the demonstration unless it was asked for', async () => {
    const service = await testService();
    const response = await service.post('/v1/demonstration/lock-limit', { byteLength: 0 });
    expect(response.status).toBe(404);
  });

  test('bodies that are too large, malformed, of another type, or have more than they should', async () => {
    const service = await testService();
    const path = `/v1/keys/${ADDRESS}/messages`;
    const json = { 'content-type': 'application/json' };
    const cases: [string | Uint8Array | object, Record<string, string>, number][] = [
      [{ text: 'x'.repeat(20_000) }, {}, 413],
      [Buffer.from('{"text":'), json, 400],
      [Buffer.from('text=x'), { 'content-type': 'application/x-www-form-urlencoded' }, 415],
      [Buffer.from('x'), { 'content-type': 'text/plain' }, 415],
      [{ text: 'x', more: 1 }, {}, 400],
      [{ text: 'x', hex: '0x00' }, {}, 400],
      [{ hex: '0x0' }, {}, 400],
      [{ text: 1 }, {}, 400],
      [{}, {}, 400],
      [Buffer.from('{"__proto__":{"text":"x"}}'), json, 400],
    ];
    for (const [body, headers, status] of cases) {
      const response = await service.post(path, body, headers);
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
    }
    expect((await service.post('/v1/keys/0x12/messages', { text: 'x' })).status).toBe(400);
  });

  test.each([
    '/../../../etc/passwd',
    '/..%2f..%2f..%2fetc%2fpasswd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/../../main.js',
    '/assets/..%5c..%5cmain.js',
    '/%00',
    '//etc/passwd',
  ])('the path %s', async (path) => {
    const service = await testService();
    const answer = await raw(
      service.url,
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404) /);
    expect(answer).not.toContain('root:');
  });

  test('requests that a foreign page or a foreign name caused', async () => {
    const service = await testService();
    const request = (headers: string): Promise<string> =>
      raw(service.url, `GET /v1/keys HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    expect(await request('Host: 127.0.0.1')).toMatch(/^HTTP\/1\.1 200 /);
    expect(await request('Host: rebound.example')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await request('Host: 127.0.0.1.rebound.example')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await request('Host: 127.0.0.1\r\nOrigin: https://evil.example')).toMatch(
      /^HTTP\/1\.1 403 /,
    );
    expect(await request('Host: 127.0.0.1\r\nOrigin: null')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await request('Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site')).toMatch(
      /^HTTP\/1\.1 403 /,
    );
  });

  test('a client that never finishes its request', async () => {
    const service = await testService({ requestMsMax: 300 });
    const head = `POST /v1/keys/import HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    const half = `${head}Content-Type: application/octet-stream\r\nContent-Length: 32\r\n\r\nabc`;
    expect(await raw(service.url, half)).toMatch(/^(HTTP\/1\.1 408 |$)/);
    expect(await raw(service.url, 'GET /health HTTP/1.1\r\nHo')).toMatch(/^(HTTP\/1\.1 408 |$)/);
    const { figures } = (await (await fetch(`${service.url}/v1/sample`)).json()) as {
      figures: { secrets: number };
    };
    expect(figures.secrets).toBe(1);
  });

  test('all of it without a word on its output, and with a strict policy on every answer', async () => {
    const written: string[] = [];
    const spies = [process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((chunk) => {
        written.push(String(chunk));
        return true;
      }),
    );
    try {
      const service = await testService();
      for (const response of [
        await service.post('/v1/keys', undefined, { authorization: 'Bearer wrong' }),
        await service.post('/v1/keys'),
        await fetch(`${service.url}/nowhere`),
      ]) {
        expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
        expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      }
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    expect(written.filter((text) => text.includes(TOKEN) || text.includes('signer:'))).toEqual([]);
  });

  test('a token that is too short to be one', async () => {
    const files = makeFiles();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(files.token, 'short');
    await expect(testService({}, files)).rejects.toThrow('32 to 256 bytes');
  });
});
