import { ERROR_KINDS, type ErrorCode, isSecureMemoryError } from '@securemem/core/contract';

/** A promise that was not kept. The message says what was promised and what was seen. */
export class Unmet extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Unmet';
  }
}

export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Unmet(message);
}

export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  expect(left === right, `${what} is ${left} and should be ${right}`);
}

/** All bytes are `value`, and there is a message that says which one is not. */
export function expectFilled(bytes: Uint8Array, value: number, what: string): void {
  const at = bytes.findIndex((byte) => byte !== value);
  expect(
    at === -1,
    `${what}: byte ${at} of ${bytes.length} is ${bytes[at]} and should be ${value}`,
  );
}

export function expectSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  expectEqual(actual.length, expected.length, `${what}: the length`);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  expect(at === -1, `${what}: byte ${at} is ${actual[at]} and should be ${expected[at]}`);
}

export function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error ?? new Error('something empty was thrown');
  }
  return undefined;
}

/** The call throws SecureMemoryError with one of these codes and the kind that belongs to it. */
export function expectCode(
  run: () => unknown,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
): void {
  const allowed: readonly ErrorCode[] = typeof codes === 'string' ? [codes] : codes;
  const error = thrownBy(run);
  expect(error !== undefined, `${what} should throw ${allowed.join(' or ')} and did not throw`);
  expect(
    isSecureMemoryError(error),
    `${what} should throw ${allowed.join(' or ')}: ${String(error)}`,
  );
  expect(
    allowed.includes(error.code),
    `${what} should throw ${allowed.join(' or ')}: ${error.code}`,
  );
  expectEqual(error.kind, ERROR_KINDS[error.code], `${what}: the kind of ${error.code}`);
}

/** The call throws one of the plain errors that stand for a wrong argument. */
export function expectPlain(
  run: () => unknown,
  kinds: readonly ('TypeError' | 'RangeError')[],
  what: string,
): void {
  const error = thrownBy(run);
  const wanted = kinds.join(' or ');
  expect(error !== undefined, `${what} should throw ${wanted} and did not throw`);
  const name = (error as { name?: unknown }).name;
  expect(
    kinds.some((kind) => kind === name),
    `${what} should throw ${wanted}: ${String(error)}`,
  );
}
