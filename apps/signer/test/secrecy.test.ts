import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { koffiBackend } from '@securemem/koffi';
import { addr } from 'micro-eth-signer';
import { expect, type TestContext, test } from 'vitest';
import { fromHex } from './memory.js';
import { countIn } from './memory-scan.js';
import { type Files, MASTER_KEY_HEX, makeFiles, TOKEN } from './service.js';
import { ServiceProcess } from './service-process.js';

async function used(ctx: TestContext, files: Files, signing: string) {
  const probe = koffiBackend.probe();
  if (!probe.available) ctx.skip(`not proven: ${probe.reason}`);
  if (process.platform !== 'linux') ctx.skip('not proven: memory is searched through /proc');
  const service = await ServiceProcess.start(files, ['--signing', signing]);
  const { privateKey, address } = addr.random();
  const key = fromHex(privateKey);
  const imported = await fetch(`${service.url}/v1/keys/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' },
    body: Buffer.from(key),
  });
  expect(imported.status).toBe(201);
  for (let round = 0; round < 20; round++) {
    const response = await service.post(`/v1/keys/${address}/messages`, { text: `round ${round}` });
    expect(response.status).toBe(200);
  }
  return { service, key };
}

test.for(['in-process', 'keeper'])(
  'after sealing (%s) no byte of a key is in the service',
  { timeout: 240_000 },
  async (signing, ctx) => {
    const files = makeFiles();
    const { service, key } = await used(ctx, files, signing);
    const masterKey = fromHex(MASTER_KEY_HEX);
    const pid = service.child.pid!;
    try {
      // The search finds what is there: the master key, in the process whose memory it is in.
      expect(countIn(pid, masterKey)).toBe(signing === 'keeper' ? 0 : 1);
      expect((await service.post('/v1/vault/seal')).status).toBe(200);
      expect(countIn(pid, masterKey)).toBe(0);
      expect(countIn(pid, key)).toBe(0);
    } finally {
      expect(await service.end('SIGTERM')).toBe(0);
    }
    expect(service.problems).toEqual([]);
    expect(service.stderr).not.toContain(TOKEN);
    for (const name of readdirSync(files.directory).filter((file) => file.startsWith('keys.db'))) {
      const bytes = readFileSync(join(files.directory, name));
      expect(bytes.indexOf(key) !== -1).toBe(false);
      expect(bytes.indexOf(masterKey) !== -1).toBe(false);
    }
  },
);
