import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Allocator, Secret, SecureMemoryError } from '../src/index.js';
import { findString, JSON_DEPTH_MAX } from '../src/ingest/json-document.js';
import { pointerSteps } from '../src/ingest/json-pointer.js';
import { readString } from '../src/ingest/json-string.js';
import { contentOf, FILL, open } from './fixture.js';

const VAULT = JSON.stringify({
  request_id: 'f4c1',
  data: { data: { user: 'app', password: 'p\u00e4ss"\\\n\u20ac\ud83d\ude00' }, metadata: { v: 1 } },
});

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));

const secretOf = (memory: Allocator, document: string | Uint8Array): Secret => {
  const bytes = typeof document === 'string' ? bytesOf(document) : document;
  const secret = memory.allocateSync(bytes.length);
  secret.copyFrom(bytes);
  return secret;
};

const plain = (secret: Secret): string =>
  secret.read((bytes) => Buffer.from(bytes).toString('utf8'));

function fileOf(document: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-json-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'document.json');
  writeFileSync(path, document);
  return path;
}

/** What the scanner takes out of a document, as a string; throws what it throws. */
function taken(document: string | Uint8Array, pointer: string): string {
  const bytes = typeof document === 'string' ? bytesOf(document) : Uint8Array.from(document);
  const string = findString(bytes, pointerSteps(pointer));
  readString(bytes, string.start, (byte, index) => {
    bytes[index] = byte; // In place, as with a file.
  });
  return Buffer.from(bytes.subarray(0, string.byteLength)).toString('utf8');
}

const reason = (document: string | Uint8Array, pointer = ''): unknown => {
  try {
    taken(document, pointer);
  } catch (error) {
    return (error as SecureMemoryError).details['reason'];
  }
  return undefined;
};

/** Every value of a document with the pointer that leads to it. */
function* leaves(value: unknown, pointer = ''): Generator<readonly [string, unknown]> {
  yield [pointer, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    yield* leaves(member, `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
  }
}

describe('E2 fromJson', () => {
  it('E2 takes the same string out of a secret, a path, a URL and a descriptor', async () => {
    const { memory } = open();
    const path = fileOf(VAULT);
    const fd = openSync(path, 'r');
    onTestFinished(() => closeSync(fd));
    const wanted = JSON.parse(VAULT).data.data.password;
    const document = secretOf(memory, VAULT);
    for (const source of [document, path, pathToFileURL(path), fd]) {
      const secret = await memory.fromJson(source, '/data/data/password');
      expect(plain(secret)).toBe(wanted);
      expect(secret.byteLength).toBe(Buffer.byteLength(wanted));
      secret.dispose();
    }
    expect(plain(document)).toBe(VAULT);
    document.dispose();
    expect(memory.stats().secrets).toBe(0);
  });

  it('E2 leaves nothing of the document but the string in the pages', async () => {
    const { memory, kernel } = open();
    const junk = `,"other":["`;
    const text = Buffer.concat([
      bytesOf('{"key":"ab"'),
      bytesOf(junk),
      Buffer.from([0xc3, 0xa4]),
      bytesOf(`${'x'.repeat(3000)}"]}`),
    ]);
    const secret = await memory.fromJson(fileOf(text), '/key');
    expect(plain(secret)).toBe('ab');
    const letters = (): number =>
      kernel.regionIds.reduce((sum, region) => {
        const { byteLength } = kernel.find(region) as { byteLength: number };
        return sum + kernel.peek(region, 0, byteLength).filter((byte) => byte === 0x78).length;
      }, 0);
    expect(letters()).toBeLessThan(16); // The canary may have some.
    const document = secretOf(memory, text);
    expect(letters()).toBeGreaterThan(2999); // The control: they would be found.
    document.dispose();
  });

  it('E2 wipes and gives back everything after a refusal, and says nothing of the content', async () => {
    const { memory, kernel } = open();
    const fill = Buffer.alloc(40, FILL);
    for (const [document, pointer] of [
      [Buffer.concat([bytesOf('{"key":"'), fill, bytesOf('"}')]), '/key'],
      [bytesOf('{"hunter2":"hunter2","a":hunter2}'), '/hunter2'],
      [bytesOf('{"hunter2":12345678}'), '/hunter2'],
      [bytesOf('{"hunter2":""}'), '/hunter2'],
      [bytesOf('["hunter2"]'), '/1'],
    ] as const) {
      const source = secretOf(memory, document);
      for (const from of [source, fileOf(document)]) {
        const error = await memory.fromJson(from, pointer).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'ERR_SECMEM_INPUT_INVALID', operation: 'fromJson' });
        expect(inspect(error)).not.toMatch(/hunter2"|12345678|hunter2}/);
        expect(memory.stats().secrets).toBe(1);
      }
      source.dispose();
      expect(contentOf(kernel)).toBe(0);
    }
  });

  it('E2 refuses a document that is too long, in a file and behind a descriptor', async () => {
    const { memory } = open();
    const path = fileOf(`"${'x'.repeat(100)}"`);
    const fd = openSync(path, 'r');
    onTestFinished(() => closeSync(fd));
    for (const source of [path, fd]) {
      await expect(memory.fromJson(source, '', { byteLengthMax: 101 })).rejects.toMatchObject({
        code: 'ERR_SECMEM_INPUT_INVALID',
        operation: 'fromJson',
        details: { reason: 'length' },
      });
    }
    const whole = await memory.fromJson(path, '', { byteLengthMax: 102 });
    expect(whole.byteLength).toBe(100);
  });

  it('E2 refuses a source, a pointer or options of the wrong kind before anything is read', async () => {
    const { memory } = open();
    const gone = memory.allocateSync(8);
    gone.dispose();
    await expect(memory.fromJson(gone, '')).rejects.toMatchObject({ code: 'ERR_SECMEM_DISPOSED' });
    for (const source of [bytesOf('"x"'), Buffer.from('/a'), undefined, null, {}]) {
      await expect(memory.fromJson(source as never, '')).rejects.toThrow(TypeError);
    }
    await expect(memory.fromJson(-1, '')).rejects.toThrow(RangeError);
    for (const pointer of ['a', '#/a', '/~', '/~2', '/\ud800', 7, undefined]) {
      const refused = memory.fromJson(fileOf('{}'), pointer as never);
      await expect(refused).rejects.toThrow(TypeError);
    }
    await expect(memory.fromJson('/x', '', { pointer: 1 } as never)).rejects.toThrow(/unknown/);
    await expect(memory.fromJson('/does/not/exist', '')).rejects.toMatchObject({ code: 'ENOENT' });
    expect(memory.stats().secrets).toBe(0);
  });

  it('E2 takes what the document says when there is a place, and refuses a string of another length', async () => {
    const { memory } = open({ budget: { secretsMax: 2 } });
    const source = secretOf(memory, '{"a":"one"}');
    for (const [now, wanted] of [
      ['{"a":"two"}', 'two'],
      ['{"a":"no" }', undefined],
      ['{"b":"two"}', undefined],
    ] as const) {
      source.copyFrom(bytesOf('{"a":"one"}'));
      const busy = memory.allocateSync(8);
      const waits = memory.fromJson(source, '/a');
      source.copyFrom(bytesOf(now));
      busy.dispose();
      if (wanted === undefined) await expect(waits).rejects.toThrow();
      else {
        const secret = await waits;
        expect(plain(secret)).toBe(wanted);
        secret.dispose();
      }
      expect(memory.stats().secrets).toBe(1);
    }
  });

  it('E2 the caller may give up while it waits for a place', async () => {
    const { memory } = open({ budget: { secretsMax: 1 } });
    const source = secretOf(memory, '"abc"');
    const stop = new AbortController();
    const waits = memory.fromJson(source, '', { signal: stop.signal });
    const reasonOf = new Error('enough');
    stop.abort(reasonOf);
    await expect(waits).rejects.toBe(reasonOf);
    expect(plain(source)).toBe('"abc"');
  });
});

describe('E2 the scanner', () => {
  it('E2 finds every string where JSON.parse has it, however the document is written', () => {
    fc.assert(
      fc.property(
        fc.json({
          maxDepth: 6,
          stringUnit: fc.oneof(
            fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
            fc.constantFrom('~', '/', '"', '\\', '\ud83d', '\ude00'),
          ),
        }),
        fc.constantFrom('', ' ', '\n\t'),
        fc.boolean(),
        (text, space, ascii) => {
          const value: unknown = JSON.parse(text);
          let written = JSON.stringify(value, undefined, space);
          if (ascii) {
            written = written.replace(
              /[\u0080-\uffff]/g,
              (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
            );
          }
          for (const [pointer, member] of leaves(value)) {
            if (/\p{Surrogate}/u.test(pointer)) continue;
            if (typeof member !== 'string') expect(reason(written, pointer)).toBe('type');
            else if (member === '') expect(reason(written, pointer)).toBe('empty');
            else if (/\p{Surrogate}/u.test(member))
              expect(reason(written, pointer)).toBe('encoding');
            else expect(taken(written, pointer)).toBe(member);
          }
          expect(reason(written, '/no such member/0')).toBe('missing');
        },
      ),
      { numRuns: 150 },
    );
  });

  it('E2 refuses as syntax exactly what JSON.parse refuses, after any small change', () => {
    const pieces = [
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'u',
      '\u0001',
      ' ',
    ];
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 3, stringUnit: 'binary' }),
        fc.nat(),
        fc.constantFrom(...pieces),
        fc.boolean(),
        (text, where, piece, inPlace) => {
          const at = where % (text.length + 1);
          const changed = text.slice(0, at) + piece + text.slice(inPlace ? at + 1 : at);
          if (/\p{Surrogate}/u.test(changed)) return;
          let parsed = true;
          try {
            JSON.parse(changed);
          } catch {
            parsed = false;
          }
          expect(reason(changed, '/nowhere') !== 'syntax').toBe(parsed);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['nothing', '', 'syntax'],
    ['white space alone', ' \n', 'syntax'],
    ['a byte order mark', '\ufeff"a"', 'syntax'],
    ['two documents', '"a""b"', 'syntax'],
    ['a comma at the end', '["a",]', 'syntax'],
    ['a comment', '"a" // b', 'syntax'],
    ['single quotes', "'a'", 'syntax'],
    ['a number with a leading zero', '[01]', 'syntax'],
    ['a number that ends with a point', '[1.]', 'syntax'],
    ['a plus', '[+1]', 'syntax'],
    ['a newline inside a string', '"a\nb"', 'syntax'],
    ['an escape of no kind', '"\\x41"', 'syntax'],
    ['an escape that ends early', '"\\u12"', 'syntax'],
    ['half of a pair', '"\\ud83d"', 'encoding'],
    ['the second half alone', '"\\ude00"', 'encoding'],
    ['two halves in the wrong order', '"\\ude00\\ud83d"', 'encoding'],
    ['a first half before another escape', '"\\ud83d\\n"', 'encoding'],
  ])('E2 refuses %s', (_, document, why) => {
    expect(reason(document)).toBe(why);
  });

  it('E2 refuses bytes that are no UTF-8, exactly those that a strict decoder refuses', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const edge = fc.constantFrom(0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf);
    const lead = fc.constantFrom(0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5);
    const bytes = fc.array(fc.oneof(edge, lead), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(bytes, (inside) => {
        let valid = true;
        try {
          strict.decode(Uint8Array.from(inside));
        } catch {
          valid = false;
        }
        const document = Uint8Array.of(0x22, ...inside, 0x22);
        expect(reason(document)).toBe(valid ? undefined : 'encoding');
      }),
      { numRuns: 3000 },
    );
  });

  it('E2 refuses a name that is twice on the way, however it is written, and no other', () => {
    expect(reason('{"a":"1","a":"2"}', '/a')).toBe('duplicate');
    expect(reason('{"a":"1","\\u0061":"2"}', '/a')).toBe('duplicate');
    expect(reason('{"a":{"b":"1"},"a":{}}', '/a/b')).toBe('duplicate');
    expect(taken('{"a":"1","b":0,"b":0,"c":{"a":1,"a":1}}', '/a')).toBe('1');
  });

  it('E2 counts levels: the last that is allowed, and one more', () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}"x"${']'.repeat(depth)}`;
    expect(taken(nested(JSON_DEPTH_MAX), '/0'.repeat(JSON_DEPTH_MAX))).toBe('x');
    expect(reason(nested(JSON_DEPTH_MAX + 1), '/0')).toBe('depth');
    expect(reason('['.repeat(1_000_000))).toBe('depth');
  });

  it('E2 reads pointers as RFC 6901 has them', () => {
    const document =
      '{"foo":["bar","baz"],"":"0","a/b":"1","m~n":"8","~1":"x","i\\\\j":"5","01":"y"}';
    for (const [pointer, value] of [
      ['/foo/0', 'bar'],
      ['/foo/1', 'baz'],
      ['/', '0'],
      ['/a~1b', '1'],
      ['/m~0n', '8'],
      ['/~01', 'x'],
      ['/i\\j', '5'],
      ['/01', 'y'],
    ] as const) {
      expect(taken(document, pointer)).toBe(value);
    }
    for (const pointer of ['/foo/00', '/foo/01', '/foo/-', '/foo/2', '/foo/1e0', '/fo', '/food']) {
      expect(reason(document, pointer)).toBe('missing');
    }
    expect(reason(document, '')).toBe('type');
  });

  it('E2 looks at the whole document before it takes anything', () => {
    expect(reason('{"a":"b"', '/a')).toBe('syntax');
    expect(reason('{"a":"b"} x', '/a')).toBe('syntax');
  });
});
