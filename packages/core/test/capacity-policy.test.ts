import { expect, it } from 'vitest';
import { ERROR_KINDS, type ErrorCode, SecureMemoryError } from '../src/contract/index.js';
import { respondTo } from '../src/limits/capacity-policy.js';
import type { OnCapacity } from '../src/options.js';

const POLICIES: readonly OnCapacity[] = ['wait', 'throw', 'fallback', 'abort'];
const codes = Object.keys(ERROR_KINDS) as ErrorCode[];
const isOfMemory = (code: ErrorCode) => ['capacity', 'platform'].includes(ERROR_KINDS[code]);

/** What each policy makes of an error. */
const responses = (code: ErrorCode, limit?: 'secrets') => {
  const details = limit === undefined ? {} : { limit };
  const error = new SecureMemoryError(code, 'refused', { details });
  return POLICIES.map((policy) => respondTo(error, policy));
};

it.each(codes.filter(isOfMemory))('respondTo(%s) does what the policy says', (code) => {
  expect(responses(code)).toEqual(['throw', 'throw', 'fallback', 'abort']);
});

it.each(codes.filter((code) => !isOfMemory(code)))(
  'respondTo(%s) throws, whatever the policy',
  (code) => {
    expect(responses(code)).toEqual(['throw', 'throw', 'throw', 'throw']);
  },
);

it.each(['ERR_SECMEM_SECRETS_LIMIT', 'ERR_SECMEM_TOO_LARGE'] as const)(
  'A8 respondTo(%s) by secretsMax does not fall back',
  (code) => {
    expect(responses(code, 'secrets')).toEqual(['throw', 'throw', 'throw', 'abort']);
  },
);
