import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import type { Hit } from '../src/memory-scan.mjs';
import { ended, runScenario } from '../src/run-scenario.js';

const BACKENDS = ['koffi', 'napi', 'napi-mlock'];

describe.each([...BACKENDS, 'nolock'])('the memory of sealed secrets, %s', (backend) => {
  it('holds no copy of a sealed secret anywhere, and of an open one only its slot', async (context) => {
    type Result = { copies: Record<string, number>; hidden: boolean; cipher: string };
    const { copies, hidden } = ended(
      await runScenario<Result>(context, 'sealed:copiesOfSealed', backend),
    );
    // Memory that the kernel cannot read is not found: then the open secret does not show either.
    const slot = hidden ? 0 : 1;
    expect(copies).toEqual({
      living: slot,
      sealed: 0,
      'opened and disposed': 0,
      open: slot,
      stored: 0,
      'in use': slot,
      used: 0,
      'long ones, used': 0,
      loaded: 0,
      planted: 1,
    });
  });
});

interface WholeKey {
  readonly between: Record<string, number>;
  readonly hits: Hit[];
  readonly during: Hit[];
  readonly withPlanted: number;
  readonly purged: number;
  readonly sealingKey: string;
}

const NOWHERE = {
  verbatim: 0,
  reversed: 0,
  'limbs of 4': 0,
  'limbs of 8': 0,
  hex: 0,
  base64: 0,
};

// What a cipher makes of the key for one call (round keys, the hash key of GCM) has another form, which a scan cannot judge;
// that no cipher context outlives a call is the promise of the backend.
describe.each(['koffi', 'napi-mlock', 'nolock'])('the sealing key, %s', (backend) => {
  it('M11 is whole nowhere between ten thousand calls, in locked memory during one, and nowhere after a purge', async (context) => {
    const result = ended(await runScenario<WholeKey>(context, 'sealed:wholeKey', backend));
    expect(result).toMatchObject({
      between: NOWHERE,
      hits: [],
      withPlanted: 1,
      purged: 0,
      sealingKey: 'two-shares',
    });
    if (backend === 'nolock') return; // Its pages are ordinary memory, and node:crypto gets copies.
    expect(result.during).toMatchObject([{ permissions: 'rw-p', locked: true }]);
  });
});

it('M11 the scan finds the sealing key where it is kept whole, in one closed page', async (context) => {
  const result = ended(await runScenario<WholeKey>(context, 'sealed:wholeKey', 'koffi-no-views'));
  expect(result.hits).toMatchObject([{ permissions: '---p', locked: true }]);
  expect(result).toMatchObject({
    between: { ...NOWHERE, verbatim: 1 },
    withPlanted: 2,
    purged: 0,
    sealingKey: 'one-page',
  });
});

describe.each(BACKENDS)('the sealing key, %s', (backend) => {
  it.for([false, true])(
    'M11 rests in two pages, closed where that is asked for: %s',
    async (closed, context) => {
      type Result = Record<'sameTurn' | 'atRest' | 'afterOpen', string[]> & { ok: boolean };
      const options = { closed };
      const result = ended(
        await runScenario<Result>(context, 'sealed:keyPages', backend, { options }),
      );
      const rest = closed ? '---' : 'rw-';
      for (const seen of [result.sameTurn, result.atRest, result.afterOpen]) {
        expect(seen).toEqual([rest, rest, 'rw-']);
      }
      expect(result.ok).toBe(true);
    },
  );

  it('M10 a thousand opens of damaged and swapped ciphertexts are refused by name, and leave nothing', async (context) => {
    const options = { opens: repetitions(10_000) };
    const result = ended(
      await runScenario<object>(context, 'sealed:badOpens', backend, { options }),
    );
    expect(result).toEqual({
      codes: { ERR_SECMEM_UNSEAL_FAILED: options.opens },
      flat: true,
      copies: 0,
      secrets: 0,
      same: true,
    });
  });

  it('M8 M10 refused pages and a purge affect nothing else: 99 read, 20 open, the locked bytes are flat', async (context) => {
    const result = ended(
      await runScenario<object>(context, 'sealed:blastRadius', backend, { memlock: 65_536 }),
    );
    expect(result).toMatchObject({
      readable: 99,
      openable: 20,
      flat: true,
      stale: 'ERR_SECMEM_UNSEAL_FAILED',
      lockedAfter: 0,
    });
    expect((result as { codes: string[] }).codes).not.toContain('none');
  });

  it.for([
    { first: true, lockedNow: false },
    { first: false, lockedNow: false },
    { first: false, lockedNow: true },
  ])(
    'M9 first use, the first seal, store and purge settle at once at a limit of nothing: %o',
    async (options, context) => {
      const outcome = await runScenario<{
        codes: string[];
        lockedAfterPurge: number;
        keys: number;
        tookMs: number;
      }>(context, 'sealed:refusedAtOnce', backend, { memlock: 65_536, options });
      const { codes, tookMs, keys, lockedAfterPurge } = ended(outcome);
      const wanted = options.first ? ['none'] : ['ERR_SECMEM_LOCK_LIMIT'];
      expect(codes.slice(0, 2)).toEqual([...wanted, 'ERR_SECMEM_LOCK_LIMIT']);
      expect(codes[2]).toMatch(/^ERR_SECMEM_(LOCK_LIMIT|TOO_LARGE)$/);
      expect([keys, lockedAfterPurge]).toEqual([0, 0]);
      expect(tookMs).toBeLessThan(10_000);
    },
  );

  it('M9 20 openers of 10 secrets under 16 KiB are all right, wait, and never lock more', async (context) => {
    const outcome = await runScenario<{
      least: number;
      peak: number;
      waits: number;
      timeouts: number;
      lockedAfter: number;
    }>(context, 'sealed:openersAtOnce', backend, { memlock: 16_384, options: { ms: 300 } });
    const result = ended(outcome);
    expect(result.least).toBeGreaterThanOrEqual(5);
    expect(result.peak).toBeLessThanOrEqual(16_384);
    expect(result.waits).toBeGreaterThan(0);
    expect(result).toMatchObject({ timeouts: 0, lockedAfter: 0 });
  });
});
