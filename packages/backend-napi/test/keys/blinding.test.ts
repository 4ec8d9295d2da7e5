import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repetitions } from '@securemem/proof';
import { afterAll, describe, expect, it, type TestContext } from 'vitest';
import { runChild } from '../children.js';

const folder = mkdtempSync(join(tmpdir(), 'securemem-blinding-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const der = privateKey.export({ type: 'pkcs1', format: 'der' }).toString('hex');
const message = Buffer.from('data');
const digest = createHash('sha256').update(message).digest('hex');
const ROUNDS = repetitions(1000);

/** Signs in a child whose addon finds somebody else before the private operation of OpenSSL. */
function signBehind(ctx: TestContext, environment: readonly string[]) {
  if (process.platform !== 'linux') ctx.skip('not proven: another library is preloaded on Linux');
  const library = join(folder, 'before_openssl.so');
  const source = fileURLToPath(new URL('../native/before_openssl.c', import.meta.url));
  const line = ['-O1', '-fPIC', '-shared', source, '-o', library, '-ldl'];
  const built = spawnSync('gcc', line, { encoding: 'utf8' });
  if (built.error !== undefined) ctx.skip('not proven: no compiler (gcc)');
  expect(built.stderr).toBe('');
  const ended = runChild(
    `const bytes = (hex) => { const source = Buffer.from(hex, 'hex'); const made = new Uint8Array(new ArrayBuffer(source.length)); made.set(source); return made; };
    const backend = napiBackend();
    const region = backend.map(4096);
    const der = bytes('${der}');
    backend.write(region, 0, der);
    const key = { region, byteOffset: 0, byteLength: der.length };
    const digest = bytes('${digest}');
    const answers = [];
    for (let round = 0; round < ${ROUNDS}; round++) {
      const target = new Uint8Array(new ArrayBuffer(256));
      const outcome = attempt(() => backend.sign('RS256', key, digest, target));
      answers.push([outcome, Buffer.from(target).toString('hex')]);
    }
    say({ keys: backend.capabilities.keys.includes('RS256'), answers });`,
    { wrapper: ['env', `LD_PRELOAD=${library}`, ...environment] },
  );
  expect([ended.code, ended.signal]).toEqual([0, null]);
  // Those of the known questions are shorter.
  const numbers = ended.stderr.split('\n').filter((number) => number.length === 512);
  return { ...(ended.result as { keys: boolean; answers: [string, string][] }), numbers };
}

describe('the blinding of RSA', () => {
  it('K1 gives OpenSSL another number each time, and never the one that is signed', (ctx) => {
    const { answers, numbers } = signBehind(ctx, []);
    const signatures = new Set(answers.map(([outcome, signature]) => `${outcome} ${signature}`));
    expect(signatures.size).toBe(1);
    const [outcome, signature = ''] = answers[0] ?? [];
    expect(outcome).toBe('done');
    expect(verify('sha256', message, publicKey, Buffer.from(signature, 'hex'))).toBe(true);
    expect(numbers.length).toBe(ROUNDS);
    expect(new Set(numbers).size).toBe(ROUNDS);
    expect(numbers.filter((number) => number.includes('ffffffff'.repeat(8)))).toEqual([]);
  });

  it('K1 gives out nothing when the calculation went wrong, which would give the primes away', (ctx) => {
    const { keys, answers } = signBehind(ctx, ['MEDDLE=256']);
    // The known questions are asked with a shorter key, and were answered right.
    expect(keys).toBe(true);
    expect(new Set(answers.map(String))).toEqual(
      new Set([`ERR_SECMEM_KEY_INVALID,${'00'.repeat(256)}`]),
    );
  });
});
