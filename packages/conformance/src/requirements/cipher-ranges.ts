import type { RegionId, RegionRange } from '@securemem/core/contract';
import { pattern, scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expectCode, expectEqual, expectPlain, expectSame } from '../expectation.js';
import type { Requirement } from '../requirement.js';
import { reference, refusesCipher } from './cipher.js';

const TAG = 16;
const FIELDS = ['region', 'byteOffset', 'byteLength'] as const;
type Field = (typeof FIELDS)[number];

/** A key, a text, and beside each of them, in the same region, another one. */
function fixture(context: Context) {
  const region = context.map(2);
  const fill = (byteOffset: number, byteLength: number, seed: number): RegionRange => {
    context.backend.write(region, byteOffset, pattern(byteLength, seed));
    return { region, byteOffset, byteLength };
  };
  return {
    region,
    key: fill(64, 32, 11),
    otherKey: fill(128, 32, 12),
    text: fill(200, 48, 13),
    otherText: fill(300, 48, 14),
    whole: () => {
      const bytes = scratch(2 * context.page);
      context.backend.read(region, 0, bytes);
      return bytes;
    },
  };
}

/** A range whose getters tell the truth once and then of another range, and how often each was read. */
function changing(first: RegionRange, later: RegionRange) {
  const reads: Record<Field, number> = { region: 0, byteOffset: 0, byteLength: 0 };
  const answer = (field: Field): number => {
    reads[field] += 1;
    return reads[field] === 1 ? first[field] : later[field];
  };
  const range: RegionRange = {
    get region() {
      return answer('region') as RegionId;
    },
    get byteOffset() {
      return answer('byteOffset');
    },
    get byteLength() {
      return answer('byteLength');
    },
  };
  return { range, reads };
}

/** A range that does something when one of its fields is read. */
function acting(range: RegionRange, field: Field, act: () => void): RegionRange {
  return Object.defineProperty({ ...range }, field, {
    get: () => {
      act();
      return range[field];
    },
  });
}

function detach(bytes: Uint8Array): void {
  structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
}

function expectReadOnce(context: Context): void {
  const f = fixture(context);
  const [nonce, data, sealed] = [pattern(12, 1), pattern(20, 2), scratch(48 + TAG)];
  const expected = reference(pattern(48, 13), nonce, data);
  for (const operation of ['seal', 'unseal'] as const) {
    const key = changing(f.key, f.otherKey);
    const text = changing(f.text, f.otherText);
    const before = f.whole();
    if (operation === 'seal') context.backend.seal(key.range, nonce, data, text.range, sealed);
    else context.backend.unseal(key.range, nonce, data, sealed, text.range);
    for (const [what, { reads }] of [
      ['key', key],
      ['plaintext', text],
    ] as const) {
      expectEqual(
        Object.values(reads),
        [1, 1, 1],
        `reads of each field of ${what} by ${operation}`,
      );
    }
    expectSame(sealed, expected, `what ${operation} made of ranges that change`);
    expectSame(f.whole(), before, `the region after ${operation} of ranges that change`);
  }
}

function expectArraysLast(context: Context): void {
  const { backend } = context;
  const f = fixture(context);
  const before = f.whole();
  for (const field of FIELDS) {
    const [nonce, data] = [pattern(12, 1), scratch(0)];
    const target = scratch(48 + TAG);
    const text = acting(f.text, field, () => detach(target));
    const what = `with a ${field} that detaches`;
    expectPlain(
      () => backend.seal(f.key, nonce, data, text, target),
      ['TypeError', 'RangeError'],
      `seal ${what} its target`,
    );
    const source = scratch(48 + TAG);
    const key = acting(f.key, field, () => detach(source));
    expectPlain(
      () => backend.unseal(key, nonce, data, source, f.text),
      ['TypeError', 'RangeError'],
      `unseal ${what} its source`,
    );
    const keyed = acting(f.key, field, () => detach(nonce));
    expectPlain(
      () => backend.seal(keyed, nonce, data, f.text, scratch(48 + TAG)),
      ['TypeError', 'RangeError'],
      `seal ${what} its nonce`,
    );
  }
  expectSame(f.whole(), before, 'the region after arrays were detached');
}

/** The region of the key is gone by the time that the last field is read. */
function expectRegionsLast(context: Context): void {
  const { backend } = context;
  const f = fixture(context);
  for (const field of FIELDS) {
    const region = context.map();
    let unmapped = false;
    const text = acting(f.text, field, () => {
      if (!unmapped) backend.unmap(region);
      unmapped = true;
    });
    const key = { region, byteOffset: 0, byteLength: 32 };
    expectCode(
      () => backend.seal(key, scratch(12), scratch(0), text, scratch(48 + TAG)),
      'ERR_SECMEM_DISPOSED',
      `seal with a ${field} that unmaps the region of the key`,
    );
  }
}

export const cipherRanges: readonly Requirement[] = [
  {
    id: 'cipher-ranges',
    group: 'cipher',
    sentence:
      'seal and unseal read each field of a range once, before they check regions and arrays',
    contract: 'MemoryBackend.seal, unseal',
    capability: 'cipher',
    claims: ({ cipher }) => cipher === 'in-place',
    run: (context) => {
      expectReadOnce(context);
      expectArraysLast(context);
      expectRegionsLast(context);
    },
    instead: 'seal and unseal throw ERR_SECMEM_NOT_SUPPORTED',
    otherwise: refusesCipher,
  },
];
