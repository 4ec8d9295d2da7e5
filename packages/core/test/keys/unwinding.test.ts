import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { FILL, type Fixture, open, PAGE, turn } from '../fixture.js';
import { der, integer, OID, octets, sequence } from './der-writer.js';
import { bytesOf, pemOf, privatePartOf, sampleOf } from './samples.js';

/** A key of X25519 that can be counted in pages. */
const KEY = sequence(integer(0), sequence(OID.x25519), octets(octets(Buffer.alloc(32, FILL))));
const PEM = pemOf('PRIVATE KEY', KEY);
const PASSPHRASE = 'correct horse';

function fileOf(content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'key');
  writeFileSync(path, content);
  return path;
}

/** How many bytes there are in all pages that are neither zero nor, in their slots, canary. */
function remains({ kernel }: Fixture, wanted: Uint8Array): number {
  return kernel.regionIds.reduce((sum, region) => {
    const { byteLength } = kernel.find(region) as { byteLength: number };
    const page = Buffer.from(kernel.peek(region, 0, byteLength));
    let found = 0;
    for (let at = page.indexOf(wanted); at >= 0; at = page.indexOf(wanted, at + 1)) found++;
    return sum + found;
  }, 0);
}

/** Encrypted so that it takes a moment: an answer is not there before the next turn. */
function encryptedOf(type: string): Uint8Array {
  const { key } = sampleOf(type);
  const options = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE };
  return key.export({ format: 'der', type: 'pkcs8', ...options });
}

it('K4 takes the same key out of bytes, a secret, a path, a URL and a descriptor', async () => {
  const { memory } = open();
  for (const type of ['P-256', 'RSA']) {
    const { key } = sampleOf(type);
    const pem = key.export({ format: 'pem', type: 'pkcs8' }) as string;
    const path = fileOf(pem);
    const fd = openSync(path, 'r');
    onTestFinished(() => closeSync(fd));
    const file = memory.adoptSync(bytesOf(pem));
    for (const source of [bytesOf(pem), file, path, pathToFileURL(path), fd]) {
      const { secret } = await memory.fromPem(source);
      expect(secret.read((bytes) => privatePartOf(key).equals(bytes))).toBe(true);
      secret.dispose();
    }
    expect(file.read((bytes) => Buffer.from(bytes).toString())).toBe(pem);
    file.dispose();
  }
  expect(memory.stats().secrets).toBe(0);
});

it('K4 leaves nothing of the file in the pages but the private part', async () => {
  const fixture = open();
  const { memory } = fixture;
  const { key } = sampleOf('RSA');
  const pem = key.export({ format: 'pem', type: 'pkcs8' }) as string;
  const line = Buffer.from(pem.split('\n')[5] as string);
  const modulus = Buffer.from(sampleOf('RSA').jwk.p as string, 'base64url').subarray(0, 24);
  const file = memory.adoptSync(bytesOf(pem));
  expect([remains(fixture, line), remains(fixture, modulus)]).toEqual([1, 0]);
  const { secret } = await memory.fromPem(file);
  file.dispose();
  expect([remains(fixture, line), remains(fixture, modulus)]).toEqual([0, 1]);
  secret.dispose();
  expect(remains(fixture, modulus)).toBe(0);
});

it('K4 wipes and gives back everything after a refusal, however far it came', async () => {
  const fixture = open();
  const { memory } = fixture;
  const content = Buffer.alloc(24, FILL);
  const files = [
    Buffer.concat([KEY, Buffer.of(0)]),
    sequence(integer(2), sequence(OID.x25519), octets(octets(Buffer.alloc(32, FILL)))),
    sequence(
      integer(1),
      sequence(OID.x25519),
      octets(octets(Buffer.alloc(32, FILL))),
      der(0x81, [0], Buffer.alloc(32, 1)),
    ),
    Buffer.alloc(2000, FILL),
  ];
  for (const file of files) {
    const path = fileOf(file);
    const secret = memory.adoptSync(bytesOf(file));
    for (const source of [bytesOf(file), secret, path]) {
      await expect(memory.fromDer(source)).rejects.toMatchObject({
        code: 'ERR_SECMEM_INPUT_INVALID',
        operation: 'fromDer',
      });
      expect(memory.stats().secrets).toBe(1);
    }
    secret.dispose();
    expect(remains(fixture, content)).toBe(0);
  }
});

it('K4 the caller may give up while it waits for a place, and the file is as it was', async () => {
  const { memory } = open({ budget: { secretsMax: 1 } });
  const busy = memory.allocateSync(8);
  const abort = new AbortController();
  const source = bytesOf(PEM);
  const waits = memory.fromPem(source, { signal: abort.signal });
  await turn();
  expect(memory.stats().admission.waiting).toBe(1);
  const reason = new Error('enough');
  abort.abort(reason);
  await expect(waits).rejects.toBe(reason);
  expect(Buffer.from(source).toString()).toBe(PEM);
  busy.dispose();
  expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
});

it.each(['abort', 'purge', 'close', 'dispose of the passphrase'] as const)(
  'K4 takes the key or leaves nothing, at whichever step %s comes',
  async (what) => {
    const file = encryptedOf('P-256');
    const d = Buffer.from(sampleOf('P-256').jwk.d as string, 'base64url');
    const outcomes = new Set<string>();
    for (let microtasks = 0; microtasks < 24; microtasks++) {
      const fixture = open();
      const { memory } = fixture;
      const passphrase = memory.adoptSync(bytesOf(PASSPHRASE));
      const source = bytesOf(file);
      const abort = new AbortController();
      const reason = new Error('enough');
      const settled = memory.fromDer(source, { passphrase, signal: abort.signal }).then(
        () => 'taken',
        (error: unknown) => error,
      );
      for (let step = 0; step < microtasks; step++) await undefined;
      if (what === 'abort') abort.abort(reason);
      else if (what === 'purge') memory.purge();
      else if (what === 'close') await memory.close({ waitMsMax: 0 }).catch(() => {});
      else passphrase.dispose();
      const outcome = await settled;
      if (what === 'abort') expect(outcome).toBe(reason);
      else if (outcome !== 'taken') expect(outcome).toMatchObject({ name: 'SecureMemoryError' });
      if (outcome !== 'taken') expect(Buffer.compare(source, file)).toBe(0);
      outcomes.add(outcome === 'taken' ? 'taken' : 'refused');
      memory.purge();
      expect(memory.stats()).toMatchObject({ secrets: 0, openAccesses: 0 });
      expect(remains(fixture, d)).toBe(0);
    }
    // A passphrase that goes once its derivation has begun is not missed; everything else comes in time.
    const late = what === 'dispose of the passphrase';
    expect(outcomes).toEqual(new Set(late ? ['refused', 'taken'] : ['refused']));
  },
);

it('K4 says at once that a file can never fit, and leaves nothing', async () => {
  const { memory } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: PAGE } } });
  const { key } = sampleOf('RSA');
  const pem = key.export({ format: 'pem', type: 'pkcs8' }) as string;
  for (const source of [bytesOf(pem), fileOf(pem)]) {
    await expect(memory.fromPem(source)).rejects.toMatchObject({ code: 'ERR_SECMEM_TOO_LARGE' });
    expect(memory.stats()).toMatchObject({ secrets: 0, admission: { waiting: 0 } });
  }
  const { secret } = await memory.fromPem(bytesOf(PEM));
  expect(secret.byteLength).toBe(32);
});

it('K4 refuses sources and options of the wrong kind before anything is read', async () => {
  const { memory } = open();
  const gone = memory.allocateSync(8);
  gone.dispose();
  await expect(memory.fromPem(gone)).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
  for (const source of [undefined, null, {}, [], true]) {
    await expect(memory.fromPem(source as never)).rejects.toThrow(TypeError);
  }
  await expect(memory.fromPem(-1)).rejects.toThrow(RangeError);
  await expect(memory.fromPem(bytesOf(''))).rejects.toMatchObject({ details: { reason: 'empty' } });
  await expect(memory.fromPem(bytesOf(PEM), { byteLengthMax: 50 })).rejects.toMatchObject({
    details: { reason: 'length' },
  });
  for (const byteLengthMax of [0, 2 ** 20 + 1, 1.5, Number.NaN]) {
    await expect(memory.fromPem(bytesOf(PEM), { byteLengthMax })).rejects.toThrow(RangeError);
  }
  await expect(memory.fromPem(bytesOf(PEM), { passphrase: 'x' as never })).rejects.toThrow(
    TypeError,
  );
  await expect(memory.fromJwk(bytesOf('{}'), { pointer: 'x' })).rejects.toThrow(TypeError);
  await expect(memory.fromJwk(bytesOf('{}'), { passphrase: 'x' } as never)).rejects.toThrow(
    /unknown/,
  );
  await expect(memory.fromDer('/does/not/exist')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(memory.stats().secrets).toBe(0);
});

it('K4 takes no key that is given as a string for a path, and does not repeat it', async () => {
  const { memory } = open();
  const { key, jwk } = sampleOf('RSA');
  const pem = key.export({ format: 'pem', type: 'pkcs8' }) as string;
  const texts = ['RSA', 'P-256', 'P-384', 'P-521', 'Ed25519'].flatMap((type) => {
    const own = sampleOf(type).key;
    const other = type === 'RSA' ? 'pkcs1' : type === 'Ed25519' ? 'pkcs8' : 'sec1';
    return ['pkcs8', other].map((form) =>
      own.export({ format: 'der', type: form as 'pkcs8' }).toString('base64'),
    );
  });
  const path = 'MAIN/secrets/keys/of/production/and/nothing/else/private_key';
  await expect(memory.fromPem(path)).rejects.toMatchObject({ code: 'ENOENT' });
  for (const source of [...texts, pem, `\n${pem}`, pem.slice(0, 40), JSON.stringify(jwk)]) {
    const error = await memory.fromPem(source).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TypeError);
    expect(String((error as Error).stack)).not.toContain(source.slice(0, 20));
  }
});
