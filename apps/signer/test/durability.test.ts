import { repetitions } from '@securemem/proof';
import Database from 'libsql';
import { addr, eip191Signer } from 'micro-eth-signer';
import { expect, test } from 'vitest';
import { makeFiles } from './service.js';
import { ServiceProcess } from './service-process.js';

const KILLS = 50;
const LANES = 8;

test('SIGKILL during key creation and signing loses no acknowledged key and leaves none half there', {
  timeout: 60_000 + repetitions(KILLS) * 30_000,
}, async () => {
  const files = makeFiles();
  const acknowledged: string[] = [];
  for (let round = 0; round < repetitions(KILLS); round++) {
    const service = await ServiceProcess.start(files);
    // Killed after a number of answers that differs from round to round: by what it did, not by the clock.
    const killAfter = acknowledged.length + 1 + ((round * 7) % 23);
    const lane = async (): Promise<void> => {
      for (;;) {
        const response = await service.post('/v1/keys').catch(() => undefined);
        const entry = (await response?.json().catch(() => undefined)) as
          | { address: string }
          | undefined;
        if (entry === undefined) return;
        acknowledged.push(entry.address);
        if (acknowledged.length >= killAfter) service.child.kill('SIGKILL');
        await service.post(`/v1/keys/${entry.address}/messages`, { text: 'x' }).catch(() => {});
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    await service.end('SIGKILL');
  }
  const service = await ServiceProcess.start(files);
  for (const address of acknowledged) {
    const response = await service.post(`/v1/keys/${address}/messages`, { text: 'still here' });
    const { signature } = (await response.json()) as { signature: string };
    expect(eip191Signer.verify(signature, 'still here', address)).toBe(true);
  }
  await service.end('SIGTERM');
  const database = new Database(files.database);
  const rows = database.prepare('SELECT address FROM keys').all() as { address: string }[];
  database.close();
  expect(rows.length).toBeGreaterThanOrEqual(acknowledged.length);
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  for (const { address } of rows) expect(addr.isValid(address)).toBe(true);
});
