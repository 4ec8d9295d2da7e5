import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { needs } from '../src/run-scenario.js';

const LIMIT = 65_536;
const CHILD = fileURLToPath(new URL('../src/child.mjs', import.meta.url));

interface Filled {
  pages: number;
  error: { code: string; details: object };
  limit: object;
  capabilities: string;
}

/** The user namespace of a process; nothing where it is gone already. */
function namespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`);
  } catch {
    return undefined;
  }
}

/** Maps every id of the child's new namespace to itself, which only somebody outside it may do. */
async function mapEveryId(child: ChildProcess): Promise<void> {
  const outside = namespaceOf('self');
  while (child.exitCode === null && child.pid !== undefined) {
    const inside = namespaceOf(child.pid);
    if (inside !== undefined && inside !== outside) {
      for (const map of ['uid_map', 'gid_map']) {
        writeFileSync(`/proc/${child.pid}/${map}`, '0 0 4294967295');
      }
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Fills the limit in a user namespace of its own, with every capability in it. */
async function fillInside(
  context: TestContext,
  backend: string,
  ids: 'root alone' | 'every id',
): Promise<Filled> {
  needs(context, backend);
  const unshare = ['unshare', '--user', ...(ids === 'root alone' ? ['--map-root-user'] : [])];
  // The shell waits to be told: the ids are mapped by then.
  const shell = ['sh', '-c', 'read go; exec "$0" "$@"'];
  const node = [process.execPath, CHILD, 'limits:fill', backend];
  const limited = [`--memlock=${LIMIT}:${LIMIT}`, ...unshare, ...shell, ...node];
  const child = spawn('prlimit', limited, { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const exit = once(child, 'exit');
  child.stdin.on('error', () => {});
  if (ids === 'every id') await mapEveryId(child);
  child.stdin.end('go\n');
  const [code] = await exit;
  const [stdout, stderr] = await said;
  if (/^unshare:|Operation not permitted/m.test(stderr) && stdout === '') {
    context.skip(`not proven: no user namespace here: ${stderr.trim()}`);
  }
  if (code !== 0) throw new Error(`ended with ${code}\n${stderr}`);
  return JSON.parse(stdout).result;
}

describe.each(['koffi', 'napi', 'napi-mlock'])('a user namespace, %s', (backend) => {
  for (const ids of ['root alone', 'every id'] as const) {
    it(`A16 X12 lockLimit() tells the limit that bites where ${ids} is mapped and CAP_IPC_LOCK shows`, async (context) => {
      const { pages, limit, error, capabilities } = await fillInside(context, backend, ids);
      expect(BigInt(`0x${capabilities}`) & (1n << 14n)).not.toBe(0n);
      expect({ pages, limit }).toEqual({
        pages: 16,
        limit: { kind: 'bytes', byteLength: LIMIT },
      });
      expect(error).toMatchObject({
        code: 'ERR_SECMEM_LOCK_LIMIT',
        details: { limitByteLength: LIMIT, inUseByteLength: LIMIT },
      });
    });
  }
});
