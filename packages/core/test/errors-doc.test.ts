import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERROR_KINDS } from '../src/index.js';
import { open, PAGE, thrown } from './fixture.js';

const text = readFileSync(new URL('../../../docs/ERRORS.md', import.meta.url), 'utf8');

interface Entry {
  readonly code: string;
  readonly kind: string | undefined;
  readonly parts: readonly string[];
}

const entries: readonly Entry[] = text
  .split(/^### /m)
  .slice(1)
  .map((section) => ({
    code: section.slice(0, section.indexOf('\n')).trim(),
    kind: section.match(/^Kind: `([a-z]+)`$/m)?.[1],
    parts: [...section.matchAll(/^- \*\*([A-Za-z]+)\*\*: /gm)].map(([, name]) => name as string),
  }));

describe('docs/ERRORS.md', () => {
  it('lists every code of the table once, with its kind', () => {
    const documented = entries.map(({ code, kind }) => [code, kind]);
    expect(documented.sort()).toEqual(Object.entries(ERROR_KINDS).sort());
  });

  it.each(entries)(
    'says of $code what it means, which limit, what is true after it and what to do',
    ({ parts }) => {
      expect(parts).toEqual(['Means', 'Limit', 'Afterwards', 'Do']);
    },
  );

  it('mentions no code that does not exist', () => {
    const mentioned = new Set(text.match(/ERR_SECMEM_[A-Z_]+/g));
    expect([...mentioned].filter((code) => !(code in ERROR_KINDS))).toEqual([]);
  });
});

describe('the remedies that docs/ERRORS.md names', () => {
  it('ERR_SECMEM_LOCK_LIMIT goes away when the lock limit is raised to what the error says', () => {
    const { memory, kernel } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: PAGE } },
      routing: { pooledByteLengthMax: 0 },
    });
    const held = memory.allocateSync(PAGE);
    const error = thrown(() => memory.allocateSync(PAGE));
    expect(error.code).toBe('ERR_SECMEM_LOCK_LIMIT');
    const kib = Number((error.details as { remedy: string }).remedy.match(/ulimit -l (\d+)/)?.[1]);
    kernel.setLockLimit({ kind: 'bytes', byteLength: kib * 1024 });
    expect(() => memory.allocateSync(PAGE)).not.toThrow();
    held.dispose();
  });

  it('ERR_SECMEM_DENIED is about the same calls in the error and here', () => {
    const { memory, kernel } = open();
    kernel.denyLocking(true);
    const { remedy } = thrown(() => memory.allocateSync(32)).details as { remedy: string };
    const section = text.slice(text.indexOf('### ERR_SECMEM_DENIED'));
    const calls = (words: string) =>
      words.match(/\b(mem|mun|mmap|mprot|madv|mlock)[a-z_]*/g)?.sort();
    expect(calls(section.slice(0, section.indexOf('\n### ')))).toEqual(calls(remedy));
    expect(calls(remedy)).toContain('mlock');
  });

  it('ERR_SECMEM_MAP_LIMIT goes away when secrets are pooled', () => {
    const kernel = { lockLimit: { kind: 'unlimited' }, mappingsMax: 8 } as const;
    const each = open({ kernel, routing: { pooledByteLengthMax: 0 } }).memory;
    const error = thrown(() => {
      for (let i = 0; i < 8; i++) each.allocateSync(64);
    });
    expect(error.code).toBe('ERR_SECMEM_MAP_LIMIT');
    const pooled = open({ kernel }).memory;
    expect(() => {
      for (let i = 0; i < 8; i++) pooled.allocateSync(64);
    }).not.toThrow();
  });

  it('ERR_SECMEM_TOO_LARGE goes away when the limit is raised to what the error says', () => {
    const { memory, kernel } = open({ kernel: { lockLimit: { kind: 'bytes', byteLength: PAGE } } });
    const error = thrown(() => memory.allocateSync(3 * PAGE));
    expect(error.code).toBe('ERR_SECMEM_TOO_LARGE');
    const kib = Number((error.details as { remedy: string }).remedy.match(/ulimit -l (\d+)/)?.[1]);
    kernel.setLockLimit({ kind: 'bytes', byteLength: kib * 1024 });
    expect(() => memory.allocateSync(3 * PAGE)).not.toThrow();
  });

  it('ERR_SECMEM_WAIT_TIMEOUT names the limit that was in the way', async () => {
    const { memory } = open({
      kernel: { lockLimit: { kind: 'bytes', byteLength: PAGE } },
      routing: { pooledByteLengthMax: 0 },
    });
    memory.allocateSync(PAGE);
    await expect(memory.allocate(PAGE, { waitMsMax: 1 })).rejects.toMatchObject({
      code: 'ERR_SECMEM_WAIT_TIMEOUT',
      details: { limit: 'wait', boundBy: 'budget', limitSource: 'kernel' },
      cause: { code: 'ERR_SECMEM_LOCK_LIMIT' },
    });
  });
});
