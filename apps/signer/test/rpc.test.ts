import { Transaction as EthersTransaction, FetchRequest, JsonRpcProvider } from 'ethers';
import { Transaction } from 'micro-eth-signer';
import { createWalletClient, http, recoverTransactionAddress } from 'viem';
import { mainnet } from 'viem/chains';
import { describe, expect, test } from 'vitest';
import { type TestService, TOKEN, testService } from './service.js';

const TO = '0x000000000000000000000000000000000000dEaD';
const KEY = `0x${'0'.repeat(63)}1`;
const ACCESS_LIST = [{ address: TO, storageKeys: [KEY] }];
const COMMON = { nonce: 3, gasLimit: 90_000n, value: 5n, chainId: 1 };

/** Each type and peculiarity, as ethers has it. */
const TRANSACTIONS = [
  ['legacy', { ...COMMON, type: 0, to: TO, gasPrice: 20n }],
  ['legacy that creates a contract', { ...COMMON, type: 0, gasPrice: 20n, data: '0x6001' }],
  [
    'EIP-2930 with an access list',
    { ...COMMON, type: 1, to: TO, gasPrice: 20n, accessList: ACCESS_LIST },
  ],
  ['EIP-2930 without one', { ...COMMON, type: 1, to: TO, gasPrice: 20n }],
  [
    'EIP-1559 with data',
    { ...COMMON, type: 2, to: TO, maxFeePerGas: 30n, maxPriorityFeePerGas: 2n, data: '0xdeadbeef' },
  ],
  [
    'EIP-1559 with an access list',
    {
      ...COMMON,
      type: 2,
      to: TO,
      maxFeePerGas: 30n,
      maxPriorityFeePerGas: 2n,
      accessList: ACCESS_LIST,
    },
  ],
  [
    'EIP-1559 that creates a contract',
    { ...COMMON, type: 2, maxFeePerGas: 30n, maxPriorityFeePerGas: 2n, data: '0x6001' },
  ],
] as const;

async function withKey(options = {}): Promise<{ service: TestService; address: string }> {
  const service = await testService({ chainId: 1n, ...options });
  const { address } = (await (await service.post('/v1/keys')).json()) as { address: string };
  return { service, address };
}

function ethersClient(service: TestService): JsonRpcProvider {
  const request = new FetchRequest(service.url);
  request.setHeader('authorization', `Bearer ${TOKEN}`);
  return new JsonRpcProvider(request);
}

async function rpc(service: TestService, method: string, params: unknown[] = []) {
  const response = await service.post('/', { jsonrpc: '2.0', id: 7, method, params });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

describe('JSON-RPC', () => {
  test.each(TRANSACTIONS)(
    'ethers signs %s, and a second library finds its sender',
    async (_, fields) => {
      const { service, address } = await withKey();
      const provider = ethersClient(service);
      try {
        const signer = await provider.getSigner();
        expect(signer.address).toBe(address);
        const raw = await signer.signTransaction({ ...fields, from: address });
        const parsed = EthersTransaction.from(raw);
        expect(parsed).toMatchObject({ from: address, type: fields.type, nonce: 3, chainId: 1n });
        expect(parsed.to).toBe('to' in fields ? fields.to : null);
        expect(parsed.accessList ?? []).toEqual('accessList' in fields ? fields.accessList : []);
        expect(Transaction.fromHex(raw).recoverSender().address).toBe(address);
      } finally {
        provider.destroy();
      }
    },
  );

  test('viem signs each type through the same address', async () => {
    const { service, address } = await withKey();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const client = createWalletClient({
      chain: mainnet,
      transport: http(service.url, { fetchOptions: { headers } }),
    });
    expect(await client.getAddresses()).toEqual([address]);
    const account = address as `0x${string}`;
    const common = { account, to: TO, nonce: 1, gas: 50_000n, value: 1n } as const;
    for (const fields of [
      { type: 'legacy', gasPrice: 9n },
      { type: 'eip2930', gasPrice: 9n, accessList: ACCESS_LIST },
      { type: 'eip1559', maxFeePerGas: 9n, maxPriorityFeePerGas: 1n },
    ] as const) {
      const raw = await client.signTransaction({ ...common, ...fields } as never);
      expect(await recoverTransactionAddress({ serializedTransaction: raw as never })).toBe(
        address,
      );
    }
  });

  test('answers what is wrong as JSON-RPC does, with our name for it and the field', async () => {
    const { service, address } = await withKey();
    const good = { from: address, to: TO, gas: '0x5208', nonce: '0x0', gasPrice: '0x1' };
    const sign = async (fields: object) =>
      (await rpc(service, 'eth_signTransaction', [fields])).body;
    expect(await sign(good)).toMatchObject({ id: 7, result: expect.stringMatching(/^0x/) });
    expect(await sign({ ...good, nonce: undefined })).toMatchObject({
      error: { code: -32_602, data: { errors: [{ field: 'nonce', rule: 'is missing' }] } },
    });
    expect(await sign({ ...good, blobs: [] })).toMatchObject({
      error: { code: -32_602, data: { errors: [{ field: 'blobs' }] } },
    });
    expect(await sign({ ...good, chainId: '0x2' })).toMatchObject({
      error: { code: -32_602, data: { errors: [{ field: 'chainId' }] } },
    });
    expect(await sign({ ...good, data: '0x01', input: '0x02' })).toMatchObject({
      error: { code: -32_602, data: { errors: [{ field: 'input' }] } },
    });
    expect(await sign({ ...good, from: TO })).toMatchObject({
      error: { code: -32_001, data: { type: 'urn:securemem:signer:no-such-key' } },
    });
    expect((await rpc(service, 'eth_sendTransaction', [good])).body).toMatchObject({
      error: { code: -32_601 },
    });
    await service.post('/v1/vault/seal');
    expect(await sign(good)).toMatchObject({
      error: { code: -32_002, data: { type: 'urn:securemem:signer:sealed' } },
    });
  });

  test('answers batches, and refuses what is no call', async () => {
    const { service } = await withKey();
    const call = { jsonrpc: '2.0', id: 1, method: 'eth_chainId' };
    const send = async (body: unknown) => (await service.post('/', body)).json();
    expect(
      await send([call, { ...call, id: 2 }, { jsonrpc: '2.0', method: 'eth_chainId' }]),
    ).toEqual([
      { jsonrpc: '2.0', id: 1, result: '0x1' },
      { jsonrpc: '2.0', id: 2, result: '0x1' },
    ]);
    expect(await send([])).toMatchObject({ error: { code: -32_600 } });
    expect(await send(Array(101).fill(call))).toMatchObject({ error: { code: -32_600 } });
    for (const no of [1, 'x', {}, { jsonrpc: '1.0', id: 1, method: 'eth_chainId' }, [null]]) {
      const answer = await send(no);
      expect(Array.isArray(answer) ? answer[0] : answer).toMatchObject({
        error: { code: -32_600 },
      });
    }
    const noise = await service.post('/', Buffer.from('{"jsonrpc'), {
      'content-type': 'application/json',
    });
    expect(await noise.json()).toMatchObject({ id: null, error: { code: -32_700 } });
  });

  test('takes the token, and tells who has none in its own form', async () => {
    const { service } = await withKey();
    const call = { jsonrpc: '2.0', id: 1, method: 'eth_accounts' };
    const answer = await service.post('/', call, { authorization: 'Bearer no' });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({
      error: { data: { type: 'urn:securemem:signer:unauthorised' } },
    });
  });

  test('knows no chain unless it was told one', async () => {
    const { service, address } = await withKey({ chainId: undefined });
    expect((await rpc(service, 'eth_chainId')).body).toMatchObject({ error: { code: -32_601 } });
    const fields = { from: address, to: TO, gas: '0x5208', nonce: '0x0', gasPrice: '0x1' };
    expect((await rpc(service, 'eth_signTransaction', [fields])).body).toMatchObject({
      error: { data: { errors: [{ field: 'chainId', rule: 'is missing' }] } },
    });
  });
});
