import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

/** As of our own where the process is gone already. */
function namespaceOf(proc: string): string {
  try {
    return readlinkSync(`${proc}/ns/user`);
  } catch {
    return readlinkSync('/proc/self/ns/user');
  }
}

describe('lockLimit()', () => {
  it('A16 X12 in a user namespace that maps every id to itself, the limit that bites is the one it tells', async (ctx) => {
    const child = spawn(
      'prlimit',
      [
        ...['--memlock=65536:65536', 'unshare', '--user', 'sh', '-c', 'read go; exec "$0" "$@"'],
        ...[process.execPath, '--input-type=module', '-e'],
        `import { koffiBackend } from ${JSON.stringify(new URL('../dist/index.js', import.meta.url))};
         import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
         const backend = koffiBackend();
         const limit = backend.lockLimit();
         let pages = 0;
         let code;
         try { for (; pages < 40; pages += 1) backend.map(4096); } catch (error) { code = error.code; }
         const capabilities = /CapEff:\\s+(\\w+)/.exec(readFileSync('/proc/self/status', 'latin1'))[1];
         console.log(JSON.stringify({ limit, pages, code, capabilities }));`,
      ],
      { stdio: ['pipe', 'pipe', 'pipe'] },
    );
    const [output, complaints] = [text(child.stdout), text(child.stderr)];
    const proc = `/proc/${child.pid}`;
    const outside = namespaceOf('/proc/self');
    const ended = once(child, 'exit');
    // The shell waits to be told; by then the namespace must exist.
    while (child.exitCode === null && namespaceOf(proc) === outside) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (child.exitCode === null) {
      writeFileSync(`${proc}/uid_map`, '0 0 4294967295');
      writeFileSync(`${proc}/gid_map`, '0 0 4294967295');
      child.stdin.end('go\n');
    }
    await ended;
    if (child.exitCode !== 0)
      return ctx.skip(`not proven: no user namespace (${await complaints})`);
    const result = JSON.parse(await output);
    expect(BigInt(`0x${result.capabilities}`) & (1n << 14n)).not.toBe(0n);
    expect(result).toMatchObject({
      limit: { kind: 'bytes', byteLength: 65_536 },
      pages: 16,
      code: 'ERR_SECMEM_LOCK_LIMIT',
    });
  });
});
