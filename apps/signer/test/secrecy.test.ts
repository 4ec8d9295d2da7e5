import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { koffiBackend } from '@securemem/koffi';
import { addr } from 'micro-eth-signer';
import { expect, type TestContext, test } from 'vitest';
import { fromHex } from './memory.js';
import { type Files, MASTER_KEY_HEX, makeFiles, TOKEN } from './service.js';
import { ServiceProcess } from './service-process.js';

const CHUNK = 4 * 1_024 * 1_024;

/** How often `needle` is in the readable memory of another process. */
function countIn(pid: number, needle: Uint8Array): number {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  let count = 0;
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const range = /^([0-9a-f]+)-([0-9a-f]+) r.{3} (?!.*\[v)/.exec(line);
    if (range === null) continue;
    const end = Number.parseInt(range[2]!, 16);
    for (let at = Number.parseInt(range[1]!, 16); at < end; at += CHUNK - needle.length + 1) {
      const chunk = Buffer.alloc(Math.min(CHUNK, end - at));
      const length = tryRead(memory, chunk, at);
      const read = chunk.subarray(0, length);
      for (
        let found = read.indexOf(needle);
        found !== -1;
        found = read.indexOf(needle, found + 1)
      ) {
        count++;
      }
    }
  }
  closeSync(memory);
  return count;
}

function tryRead(fd: number, chunk: Buffer, position: number): number {
  try {
    return readSync(fd, chunk, 0, chunk.length, position);
  } catch {
    return 0;
  }
}

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
    expect(service.stderr).toBe('');
    for (const name of readdirSync(files.directory).filter((file) => file.startsWith('keys.db'))) {
      const bytes = readFileSync(join(files.directory, name));
      expect(bytes.indexOf(key) !== -1).toBe(false);
      expect(bytes.indexOf(masterKey) !== -1).toBe(false);
    }
  },
);
