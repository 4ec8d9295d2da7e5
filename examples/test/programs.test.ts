import { spawn, spawnSync } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { confine, proveConfinement } from '@securemem/confined';
import { describe, expect, it, onTestFinished } from 'vitest';

const EXAMPLES = join(import.meta.dirname, '..');
const RUN_MS_MAX = 20_000;

function lines(program: string, ...args: string[]): string[] {
  const command = [join(EXAMPLES, program), ...args];
  const result = spawnSync(process.execPath, command, { encoding: 'utf8', timeout: RUN_MS_MAX });
  expect({ status: result.status, stderr: result.stderr }).toEqual({ status: 0, stderr: '' });
  return result.stdout.trimEnd().split('\n');
}

/** A file with these bytes, for the length of a test. */
function fileOf(bytes: Uint8Array | string): string {
  const directory = mkdtempSync(join(tmpdir(), 'securemem-example-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'secret');
  writeFileSync(path, bytes);
  return path;
}

describe('the examples', () => {
  it('first.mjs is the program of the README, and runs', () => {
    const readme = readFileSync(join(EXAMPLES, '../README.md'), 'utf8');
    const shown = readme.match(/^```js\n(\/\/ first\.mjs\n.*?)^```$/ms)?.[1];
    expect(shown).toBe(readFileSync(join(EXAMPLES, 'first.mjs'), 'utf8'));
    const printed = lines('first.mjs');
    expect(printed[0]).toBe('locked: true');
    expect(printed[1]).toMatch(/^[0-9a-f]{64}$/);
    expect(printed[2]).toBe('32');
  });

  it('credential-cache.mjs serves more users than it keeps open', () => {
    const printed = lines('credential-cache.mjs').join('\n');
    expect(printed).toMatch(/500 signed; 500 credentials held, 8 of them open/);
  });

  it('credential-cache.mjs serves the same users under 64 KiB of locked memory', (ctx) => {
    const confinement = { memlockByteLength: 65_536, as: 'user' } as const;
    const proof = proveConfinement(confinement);
    if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
    const program = join(EXAMPLES, 'credential-cache.mjs');
    const { command, args } = confine(process.execPath, [program], confinement);
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: RUN_MS_MAX });
    expect([status, stdout]).toEqual([0, expect.stringMatching(/500 signed/)]);
  });

  it('database-password.mjs proves the password as RFC 7677 says', () => {
    const printed = lines('database-password.mjs', fileOf('pencil\n'));
    expect(printed).toEqual([
      expect.stringMatching(/,p=dHzbZapWIk4jUhN\+Ute9ytag9zjfMHgsqmmiz7AndVQ=$/),
      'server: genuine',
    ]);
    expect(lines('database-password.mjs', fileOf('pencils'))[1]).toBe('server: NOT genuine');
  });

  it('jwt-keys.mjs verifies tokens until their key is retired, and no forged one', () => {
    expect(lines('jwt-keys.mjs')).toEqual([
      "early: { sub: 'ada' } late: { sub: 'ada' }",
      'early, after its key was retired: undefined',
      'forged: undefined',
    ]);
  });

  it('http-signing-key.mjs signs every response, and drains when it is told to end', async () => {
    const key = randomBytes(32);
    const server = spawn(process.execPath, [join(EXAMPLES, 'http-signing-key.mjs'), fileOf(key)]);
    onTestFinished(() => void server.kill('SIGKILL'));
    const output = createInterface(server.stdout)[Symbol.asyncIterator]();
    const port = (await output.next()).value?.match(/^listening on (\d+)$/)?.[1];
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => fetch(`http://127.0.0.1:${port}/`)),
    );
    for (const answer of answers) {
      const body = await answer.text();
      const [, nonce, mac] =
        answer.headers.get('signature')?.match(/^nonce=(\w+), mac=(\w+)$/) ?? [];
      const expected = createHmac('sha256', key).update(Buffer.from(nonce as string, 'hex'));
      expect([answer.status, mac]).toEqual([200, expected.update(body).digest('hex')]);
    }
    server.kill('SIGTERM');
    expect((await output.next()).value).toBe('drained');
    expect(await once(server, 'exit')).toEqual([0, null]);
  });
});
