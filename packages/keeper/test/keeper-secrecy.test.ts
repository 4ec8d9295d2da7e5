import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freshFile } from './open-subject.js';
import { countInFile, countInProcess } from './scan-memory.js';

const HOST = new URL('./hosts/key-host.mjs', import.meta.url).pathname;

const hosts: ChildProcess[] = [];

afterEach(() => {
  for (const host of hosts.splice(0)) host.kill('SIGKILL');
});

interface Holders {
  readonly host: ChildProcess;
  readonly hostPid: number;
  readonly keeperPid: number;
  readonly key: Buffer;
  readonly directory: string;
}

/** A host and its keeper in processes of their own. The key is known to this process and to a file. */
async function holdKey(way: 'descriptor' | 'secret' | 'payload' | 'plant'): Promise<Holders> {
  const key = randomBytes(32);
  const keyFile = freshFile();
  const directory = dirname(keyFile);
  writeFileSync(keyFile, key);
  const host = spawn(
    '/bin/sh',
    ['-c', 'ulimit -c unlimited; exec "$0" "$@"', process.execPath, HOST, way, keyFile],
    { stdio: ['pipe', 'pipe', 'inherit'], cwd: directory },
  );
  hosts.push(host);
  const [line] = await once(host.stdout as NodeJS.ReadableStream, 'data');
  const [keeperPid, mac] = String(line).trim().split(' ');
  expect(mac).toBe(createHmac('sha256', key).digest('hex'));
  return { host, hostPid: host.pid as number, keeperPid: Number(keeperPid), key, directory };
}

/** Whether this process may look into its children; another user's process may not, and then nothing is proved. */
function mayScan(pid: number): boolean {
  try {
    countInProcess(pid, randomBytes(32));
    return true;
  } catch {
    return false;
  }
}

describe('a key that only the keeper may have', () => {
  it('is never in the host when it came through a descriptor, and once in the keeper', async (ctx) => {
    const { hostPid, keeperPid, key } = await holdKey('descriptor');
    if (!mayScan(keeperPid)) ctx.skip('not proven: this user may not read the memory of others');
    expect(countInProcess(hostPid, key)).toBe(0);
    expect(countInProcess(keeperPid, key)).toBe(1);
  });

  it('is gone from the host when it was sent as a secret, and once in the keeper', async (ctx) => {
    const { hostPid, keeperPid, key } = await holdKey('secret');
    if (!mayScan(keeperPid)) ctx.skip('not proven: this user may not read the memory of others');
    expect(countInProcess(hostPid, key)).toBe(0);
    expect(countInProcess(keeperPid, key)).toBe(1);
  });

  it('is found by the same scan where it was sent as an ordinary payload', async (ctx) => {
    const { hostPid, keeperPid, key } = await holdKey('payload');
    if (!mayScan(keeperPid)) ctx.skip('not proven: this user may not read the memory of others');
    expect(countInProcess(hostPid, key)).toBeGreaterThan(0);
    expect(countInProcess(keeperPid, key)).toBeGreaterThan(1);
  });

  it('is not in a core file of the host, where a planted copy is found', async (ctx) => {
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
    if (!/^core/.test(pattern)) ctx.skip(`not proven: core files go elsewhere (${pattern})`);
    expect(await countInCoreOf('descriptor')).toBe(0);
    expect(await countInCoreOf('plant')).toBeGreaterThan(0);
  });
});

async function countInCoreOf(way: 'descriptor' | 'plant'): Promise<number> {
  const { host, key, directory } = await holdKey(way);
  host.kill('SIGABRT');
  await once(host, 'exit');
  const name = readdirSync(directory).find((file) => file.startsWith('core'));
  const path = join(directory, name ?? 'core');
  return countInFile(path, statSync(path).size, key);
}
