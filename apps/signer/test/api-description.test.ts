import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, test } from 'vitest';
import { testService } from './service.js';

describe('the description of the API', () => {
  test('is a valid OpenAPI document with every route that clients use', async () => {
    const service = await testService();
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    expect(await new Validator().validate(document)).toMatchObject({ valid: true });
    expect(Object.keys(document.paths).sort()).toEqual([
      '/',
      '/health',
      '/livez',
      '/metrics',
      '/readyz',
      '/v1/keys',
      '/v1/keys/import',
      '/v1/keys/{address}/messages',
      '/v1/keys/{address}/transactions',
      '/v1/vault/seal',
      '/v1/vault/unseal',
    ]);
  });

  test('is a page for people, under the same strict policy', async () => {
    const service = await testService();
    const page = await fetch(`${service.url}/api`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).toContain('/v1/keys/{address}/transactions');
    expect(html).toContain('Absent to create a contract');
    expect(html).not.toContain('<script');
  });
});

describe('KS17 errors name the field and the rule', () => {
  const GOOD = {
    chainId: '1',
    nonce: '7',
    maxPriorityFeePerGas: '1000000000',
    maxFeePerGas: '40000000000',
    gasLimit: '21000',
    to: '0x000000000000000000000000000000000000aaaa',
    value: '1',
  };

  test.each([
    [{ maxPriorityFeePerGas: '90000000000' }, 422, 'maxPriorityFeePerGas'],
    [{ gasLimit: '0' }, 422, 'gasLimit'],
    [{ chainId: '0' }, 422, 'chainId'],
    [{ to: '0x000000000000000000000000000000000000aAaA' }, 422, 'to'],
    [{ to: undefined }, 422, 'to'],
    [{ type: 'legacy' }, 422, 'maxPriorityFeePerGas'],
    [{ maxFeePerGas: undefined }, 422, 'maxFeePerGas'],
    [{ chainId: 1 }, 400, 'chainId'],
    [{ nonce: undefined }, 400, 'nonce'],
    [{ accessLists: [] }, 400, 'accessLists'],
    [{ accessList: [{ address: '0x1', storageKeys: [] }] }, 400, 'accessList/0/address'],
    [{ type: 'eip4844' }, 400, 'type'],
  ])('%j', async (fields, status, field) => {
    const service = await testService();
    const { address } = (await (await service.post('/v1/keys')).json()) as { address: string };
    const answer = await service.post(`/v1/keys/${address}/transactions`, { ...GOOD, ...fields });
    expect(answer.status).toBe(status);
    const body = (await answer.json()) as {
      detail: string;
      errors: { field: string; rule: string }[];
    };
    expect(body.errors.map((error) => error.field)).toContain(field);
    for (const { rule } of body.errors) expect(rule).not.toBe('');
    expect(body.detail).not.toContain('validation');
  });

  test.each([
    ['{"text":', 'application/json', 400, 'malformed-json'],
    ['', 'application/json', 400, 'malformed-json'],
    ['x', 'text/plain', 415, 'unsupported-media-type'],
    [`{"text":"${'x'.repeat(20_000)}"}`, 'application/json', 413, 'body-too-large'],
  ])('and have names of ours: %s', async (body, type, status, slug) => {
    const service = await testService();
    const answer = await service.post(`/v1/keys/0x${'1'.repeat(40)}/messages`, Buffer.from(body), {
      'content-type': type,
    });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ type: `urn:securemem:signer:${slug}` });
  });
});
