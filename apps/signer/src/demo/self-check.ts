import { Transaction } from 'micro-eth-signer';
import { DEMO_LIMIT_BYTE_LENGTH, type Demo } from './demo.js';

const REQUESTS = 200;

const TRANSACTION = {
  chainId: '1',
  maxPriorityFeePerGas: '1000000000',
  maxFeePerGas: '40000000000',
  gasLimit: '21000',
  to: '0x000000000000000000000000000000000000dead',
  value: '1',
};

/** Uses the service as a client would, and says line by line what holds. True when all of it does. */
export async function selfCheck(demo: Demo): Promise<boolean> {
  const results: boolean[] = [];
  const check = (what: string, holds: boolean): void => {
    results.push(holds);
    console.log(`${holds ? 'ok  ' : 'FAIL'} ${what}`);
  };
  const { url, token } = demo;
  console.log(demo.confinement);
  const health = await (await fetch(`${url}/health`)).json();
  check('the service is unsealed', (health as { state?: string }).state === 'unsealed');
  const page = await fetch(`${url}/`);
  check('the dashboard is served, with a policy that allows nothing foreign', isDashboard(page));
  const refused = await fetch(`${url}/v1/keys`, { method: 'POST' });
  check('a key cannot be made without the token', refused.status === 401);
  const { address } = (await (await post(url, token, '/v1/keys')).json()) as { address: string };
  check(`a key was made: ${address}`, /^0x[0-9a-fA-F]{40}$/.test(address));
  const verified = await signMany(url, token, address);
  check(`${verified} of ${REQUESTS} concurrent signatures verify`, verified === REQUESTS);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const locked = Number(/^securemem_locked_bytes (\d+)$/m.exec(metrics)?.[1] ?? Number.NaN);
  check(
    `${locked} bytes are locked, of ${DEMO_LIMIT_BYTE_LENGTH}`,
    locked <= DEMO_LIMIT_BYTE_LENGTH,
  );
  await post(url, token, '/v1/vault/seal');
  const sealed = await post(url, token, '/v1/keys');
  check('sealed, it makes no key', sealed.status === 503);
  check('it ends in order', (await demo.stop()) === 0);
  return results.every((holds) => holds);
}

function isDashboard(page: Response): boolean {
  const policy = page.headers.get('content-security-policy') ?? '';
  return (
    page.ok &&
    /text\/html/.test(page.headers.get('content-type') ?? '') &&
    /default-src 'none'/.test(policy)
  );
}

function post(url: string, token: string, path: string, body?: unknown): Promise<Response> {
  const authorization = `Bearer ${token}`;
  if (body === undefined)
    return fetch(`${url}${path}`, { method: 'POST', headers: { authorization } });
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** All at once; each sender is recovered by another library than the one that signed. */
async function signMany(url: string, token: string, address: string): Promise<number> {
  const path = `/v1/keys/${address}/transactions`;
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, nonce) => {
      const response = await post(url, token, path, { ...TRANSACTION, nonce: `${nonce}` });
      return ((await response.json()) as { raw?: string }).raw;
    }),
  );
  const genuine = answers.filter(
    (raw) => raw !== undefined && Transaction.fromHex(raw).recoverSender().address === address,
  );
  return new Set(genuine).size;
}
