import vm from 'node:vm';
import { isSecureMemoryError, SecureMemoryError } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { METADATA_BYTE_LENGTH_MAX, ProtocolViolation } from '../src/channel/frame.js';
import {
  decodeError,
  decodeMetadata,
  encodeError,
  encodeMetadata,
} from '../src/channel/metadata.js';

const cross = (thrown: unknown): Error => {
  const bytes = encodeError(thrown);
  return decodeError(bytes, 0, bytes.length);
};

describe('encodeError() and decodeError()', () => {
  it('P10 carry an error of another realm as an error', () => {
    const error: unknown = vm.runInNewContext('new RangeError("far away")');
    expect(error instanceof Error).toBe(false);
    expect(cross(error)).toMatchObject({ name: 'RangeError', message: 'far away' });
    expect(cross({ name: 'RangeError', message: 'far away' }).message).toMatch('no Error');
  });

  it('S10 carry a typed error with all that explains it', () => {
    const cause = new RangeError('deeper');
    const error = new SecureMemoryError('ERR_SECMEM_LOCK_LIMIT', 'no place', {
      operation: 'allocate',
      backend: 'koffi',
      syscall: 'mlock',
      errno: 12,
      details: { limit: 'lock', requestedByteLength: 4_096, nested: { dropped: true } },
      cause,
    });
    const crossed = cross(error);
    expect(isSecureMemoryError(crossed, 'ERR_SECMEM_LOCK_LIMIT')).toBe(true);
    expect(crossed).toMatchObject({
      kind: 'capacity',
      message: 'no place',
      operation: 'allocate',
      backend: 'koffi',
      syscall: 'mlock',
      errno: 12,
      details: { limit: 'lock', requestedByteLength: 4_096 },
      cause: { name: 'RangeError', message: 'deeper' },
    });
    expect((crossed as SecureMemoryError).details).not.toHaveProperty('nested');
  });

  it('carry name, code and message of other errors', () => {
    const error = Object.assign(new TypeError('wrong'), { code: 'ERR_OTHER' });
    const crossed = cross(error);
    expect(crossed).toMatchObject({ name: 'TypeError', code: 'ERR_OTHER', message: 'wrong' });
    expect(isSecureMemoryError(crossed)).toBe(false);
  });

  it.each([undefined, null, 'text', 42, { message: 'no error' }])(
    'carry %o without a word of it',
    (value) => {
      expect(cross(value).message).toBe('a value that is no Error');
    },
  );

  it('cut long messages and long chains of causes', () => {
    let error = new Error('x'.repeat(10_000));
    for (let n = 0; n < 10; n++) error = new Error('y'.repeat(10_000), { cause: error });
    const bytes = encodeError(error);
    expect(bytes.length).toBeLessThanOrEqual(METADATA_BYTE_LENGTH_MAX);
    let depth = 0;
    let next: unknown = cross(error);
    for (; next instanceof Error; next = next.cause) depth++;
    expect(depth).toBe(4);
    expect(cross(error).message).toHaveLength(2_048);
  });

  it('keep the code when the details do not fit', () => {
    const details = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [`d${n}`, 'z'.repeat(2_000)]),
    );
    const error = new SecureMemoryError('ERR_SECMEM_TOO_LARGE', 'big', { details });
    expect(isSecureMemoryError(cross(error), 'ERR_SECMEM_TOO_LARGE')).toBe(true);
  });

  it('do not become a code of ours by a name that objects inherit', () => {
    const error = Object.assign(new Error('x'), { code: 'toString' });
    expect(isSecureMemoryError(cross(error))).toBe(false);
  });
});

describe('encodeMetadata() and decodeMetadata()', () => {
  it('refuse what is too long to send', () => {
    expect(() => encodeMetadata('x'.repeat(METADATA_BYTE_LENGTH_MAX - 2))).not.toThrow();
    expect(() => encodeMetadata('x'.repeat(METADATA_BYTE_LENGTH_MAX - 1))).toThrow(RangeError);
  });

  it.each(['', '{', '12', 'null', '"text"', '\u0000'])('refuse %o as a violation', (text) => {
    const bytes = new TextEncoder().encode(text);
    expect(() => decodeMetadata(bytes, 0, bytes.length)).toThrow(ProtocolViolation);
  });

  it('refuse bytes that are no text as a violation', () => {
    expect(() => decodeMetadata(new Uint8Array([0x7b, 0xff, 0x7d]), 0, 3)).toThrow(
      ProtocolViolation,
    );
  });
});
