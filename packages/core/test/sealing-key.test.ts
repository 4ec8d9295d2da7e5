import { describe, expect, it, vi } from 'vitest';
import type { Secret } from '../src/index.js';
import { type Fixture, open, thrown } from './fixture.js';

const KEY_BYTE_LENGTH = 32;

/** Whether the system's generator fails for the next key. */
const generator = vi.hoisted(() => ({ fails: false }));

vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  const randomFillSync = (bytes: Uint8Array) => {
    if (!generator.fails || bytes.length !== KEY_BYTE_LENGTH) return crypto.randomFillSync(bytes);
    generator.fails = false;
    throw new Error('no random bytes');
  };
  // Named, since a mock refuses what the module of this Node may not have.
  return { argon2: undefined, ...crypto, randomFillSync };
});

const secretOf = ({ memory }: Fixture, byte: number): Secret =>
  memory.adoptSync(new Uint8Array(new ArrayBuffer(64)).fill(byte));
const first = (secret: Secret): number => secret.read((bytes) => bytes[0] as number);

describe.each([
  ['views', {}],
  ['copies', { views: 'none' }],
] as const)('making a sealing key through %s', (_, capabilities) => {
  it.each([
    ['first', 0],
    ['next', 1],
  ])(
    'A9 leaves no view open and nothing behind when the %s key gets no random bytes',
    (_, before) => {
      const fixture = open({ capabilities, sealing: { sealsPerKeyMax: 1 } });
      const { memory, kernel, backend } = fixture;
      const sealed = Array.from({ length: before }, () => secretOf(fixture, 1).seal());
      const secret = secretOf(fixture, 2);
      const mapped = kernel.regionCount;
      const viewsOpen = backend.calls('openView') - backend.calls('closeView');
      generator.fails = true;
      expect(thrown(() => secret.seal()).message).toBe('no random bytes');
      expect(backend.calls('openView') - backend.calls('closeView')).toBe(viewsOpen);
      expect(kernel.regionCount).toBe(mapped);
      expect(memory.stats().sealing.keys).toBe(before);
      sealed.push(secret.seal());
      expect(sealed.map((each) => first(memory.openSync(each)))).toEqual(before ? [1, 2] : [2]);
    },
  );
});

describe('a sealing key whose view could not be revoked', () => {
  it('M11 leaves its place for good when there were no random bytes either', () => {
    const fixture = open({ sealing: { sealsPerKeyMax: 1 } });
    const { kernel, backend } = fixture;
    secretOf(fixture, 1).seal();
    const secret = secretOf(fixture, 2);
    const openView = vi.spyOn(backend, 'openView');
    kernel.nextViewOutcome('stuck');
    generator.fails = true;
    expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
    secret.seal();
    const [exposed, used] = openView.mock.calls.map(([, byteOffset]) => byteOffset);
    expect(used).not.toBe(exposed);
    kernel.releaseAliases();
  });

  it.each(['stuck', 'escaped'] as const)(
    'M11 is wiped, and no other key is made where the %s view shows it',
    (outcome) => {
      const fixture = open({ sealing: { sealsPerKeyMax: 1 } });
      const { memory, kernel, backend } = fixture;
      const sealed = [secretOf(fixture, 1).seal()];
      const openView = vi.spyOn(backend, 'openView');
      const secret = secretOf(fixture, 2);
      openView.mockClear();

      kernel.nextViewOutcome(outcome);
      expect(thrown(() => secret.seal()).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
      const [region, exposed] = openView.mock.calls[0] as Parameters<typeof backend.openView>;
      const shown = () => kernel.peek(region, exposed, KEY_BYTE_LENGTH).some((byte) => byte !== 0);
      expect(shown()).toBe(false);

      sealed.push(secret.seal(), secretOf(fixture, 3).seal());
      expect(shown()).toBe(false);
      expect(sealed.map((each) => first(memory.openSync(each)))).toEqual([1, 2, 3]);
      kernel.releaseAliases();
    },
  );

  it('M11 has its place back in the next page', () => {
    const fixture = open({ sealing: { sealsPerKeyMax: 1 } });
    const { memory, kernel } = fixture;
    kernel.nextViewOutcome('stuck');
    expect(thrown(() => secretOf(fixture, 1).seal()).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
    const sealed = secretOf(fixture, 2).seal();
    expect(first(memory.openSync(sealed))).toBe(2);
    kernel.releaseAliases();
  });
});
