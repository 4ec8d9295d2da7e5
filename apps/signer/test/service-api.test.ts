import { addr, eip191Signer, Transaction } from 'micro-eth-signer';
import { describe, expect, test } from 'vitest';
import { fromHex } from './memory.js';
import { problemOf, type TestService, testService } from './service.js';

const FIELDS = {
  chainId: '1',
  nonce: '7',
  maxPriorityFeePerGas: '1000000000',
  maxFeePerGas: '40000000000',
  gasLimit: '21000',
  to: '0x000000000000000000000000000000000000aaaa',
  value: '12345678901234567890',
};

async function createKey(service: TestService): Promise<string> {
  const response = await service.post('/v1/keys');
  expect(response.status).toBe(201);
  return ((await response.json()) as { address: string }).address;
}

describe.each(['in-process', 'keeper'] as const)('the service with its keys %s', (signing) => {
  test('creates keys, lists their addresses only, and signs with each', async () => {
    const service = await testService({ signing });
    const addresses = [await createKey(service), await createKey(service)].sort();
    const listed = (await (await fetch(`${service.url}/v1/keys`)).json()) as {
      keys: Record<string, string>[];
    };
    expect(listed.keys.map(({ address }) => address)).toEqual(addresses);
    expect(Object.keys(listed.keys[0]!)).toEqual(['address', 'origin', 'createdAt']);
    for (const address of addresses) {
      const response = await service.post(`/v1/keys/${address}/transactions`, FIELDS);
      const { raw } = (await response.json()) as { raw: string };
      const transaction = Transaction.fromHex(raw);
      expect(transaction.recoverSender().address).toBe(address);
      expect(transaction.raw).toMatchObject({ nonce: 7n, value: 12345678901234567890n });
    }
  });

  test('signs an imported key as an independent library does', async () => {
    const service = await testService({ signing });
    const { privateKey, address } = addr.random();
    expect((await service.importKey(fromHex(privateKey))).status).toBe(201);
    const response = await service.post(`/v1/keys/${address.toLowerCase()}/messages`, {
      text: 'Some data',
    });
    expect(await response.json()).toEqual({
      from: address,
      signature: eip191Signer.sign('Some data', privateKey, false),
    });
    const again = await service.importKey(fromHex(privateKey));
    expect(await problemOf(again)).toEqual({ status: 409, type: 'key-exists' });
  });

  test('refuses to import what is no key', async () => {
    const service = await testService({ signing });
    for (const bytes of [
      new Uint8Array(32),
      new Uint8Array(31).fill(1),
      new Uint8Array(33).fill(1),
    ]) {
      expect(await problemOf(await service.importKey(bytes))).toEqual({
        status: 422,
        type: 'bad-key',
      });
    }
    expect(await (await fetch(`${service.url}/v1/keys`)).json()).toEqual({ keys: [] });
  });

  test('sealed, it refuses to sign and says so; unsealed, it signs again', async () => {
    const service = await testService({ signing });
    const address = await createKey(service);
    expect((await service.post('/v1/vault/seal')).status).toBe(200);
    const refused = await service.post(`/v1/keys/${address}/messages`, { text: 'hello' });
    expect(await problemOf(refused)).toEqual({ status: 503, type: 'sealed' });
    expect(await (await fetch(`${service.url}/readyz`)).json()).toMatchObject({
      ready: false,
      state: 'sealed',
    });
    expect((await service.post('/v1/vault/unseal')).status).toBe(200);
    const signed = await service.post(`/v1/keys/${address}/messages`, { text: 'hello' });
    expect(signed.status).toBe(200);
  });
});

describe('the service', () => {
  test('tells an unknown address and a bad transaction apart', async () => {
    const service = await testService();
    const unknown = await service.post(`/v1/keys/${addr.random().address}/transactions`, FIELDS);
    expect(await problemOf(unknown)).toEqual({ status: 404, type: 'no-such-key' });
    const address = await createKey(service);
    const bad = await service.post(`/v1/keys/${address}/transactions`, {
      ...FIELDS,
      maxFeePerGas: '1',
    });
    expect(await problemOf(bad)).toEqual({ status: 422, type: 'bad-transaction' });
  });

  test('A5 pushes back with 429 and Retry-After when too many wait, and serves the others', async () => {
    // Three pages hold the master key and one request; two more may wait.
    const service = await testService({
      waitMsMax: 20_000,
      queueLengthMax: 2,
      approvalMs: 100,
      backend: 'koffi',
      budgetByteLength: 16_384,
    });
    const address = await createKey(service);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        service.post(`/v1/keys/${address}/messages`, { text: 'x' }),
      ),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answers.filter(({ status }) => status === 200).length).toBe(100 - refused.length);
  });

  test('shows metrics of what it did', async () => {
    const service = await testService();
    const address = await createKey(service);
    await service.post(`/v1/keys/${address}/messages`, { text: 'x' });
    const text = await (await fetch(`${service.url}/metrics`)).text();
    expect(text).toMatch(/^signer_signatures_total 1$/m);
    expect(text).toMatch(/^signer_keys_stored_total 1$/m);
    expect(text).toMatch(/^signer_unsealed 1$/m);
  });

  test('G9 wipes secrets before it closes the database and the network', async () => {
    const service = await testService();
    await createKey(service);
    await service.running.close();
    const kinds = service.running.log.after(0).map(({ kind }) => kind);
    expect(kinds.slice(-3)).toEqual(['wiped', 'database-closed', 'network-closed']);
    await expect(fetch(`${service.url}/health`)).rejects.toThrow();
  });

  test('sends figures and events to a listener', async () => {
    const service = await testService();
    const controller = new AbortController();
    const response = await fetch(`${service.url}/v1/events`, { signal: controller.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    await createKey(service);
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += new TextDecoder().decode(chunk);
      if (/event: sample/.test(text) && /created the key/.test(text)) break;
    }
    controller.abort();
    expect(text).toContain('"secrets":1');
  });
});
