import { ERROR_KINDS, type ErrorCode } from '@securemem/core/contract';
import { childUrl } from './child-url.js';
import type { Context } from './context.js';
import type { DescribedError } from './described-error.js';
import { type Confinement, NotProven } from './evidence/evidence.js';
import { expect, expectEqual } from './expectation.js';
import { levelsOf } from './levels.js';

interface TaskTools {
  errorOf(run: () => unknown): DescribedError | undefined;
  numbersIn(text: string): number[];
}

/** The same description as in a child, so that an error is judged alike wherever it was thrown. */
const tools = async (): Promise<TaskTools> => (await import(childUrl('tasks').href)) as TaskTools;

export async function describedBy(run: () => unknown): Promise<DescribedError | undefined> {
  return (await tools()).errorOf(run);
}

export async function numbersIn(text: string): Promise<readonly number[]> {
  return (await tools()).numbersIn(text);
}

/** A code of the contract, its kind, and fields of the types that programs rely on. */
export function expectShape(
  error: DescribedError | undefined,
  operation: string,
  backend: string,
): void {
  expect(error !== undefined, `${operation} should throw and did not throw`);
  expect(
    error.branded,
    `${operation} should throw SecureMemoryError: ${error.name} ${error.message}`,
  );
  const kind = ERROR_KINDS[error.code as ErrorCode];
  expect(kind !== undefined, `${operation}: no code of the contract: ${error.code}`);
  expectEqual(error.kind, kind, `${operation}: the kind of ${error.code}`);
  expectEqual(error.operation, operation, `${operation}: the operation`);
  expectEqual(error.backend, backend, `${operation}: the backend`);
  expect(error.message.trim() !== '', `${operation}: the error says nothing`);
  const { syscall, errno } = error;
  const named = syscall === undefined || /^[A-Za-z_][A-Za-z0-9_]*$/.test(syscall);
  expect(named, `${operation}: no name of a system call: ${syscall}`);
  const numbered = errno === undefined || (Number.isInteger(errno) && errno > 0);
  expect(numbered, `${operation}: no number of an error: ${errno}`);
}

/** An error that had to be provoked, and the addresses that whoever provoked it found in it. */
export interface ProvokedError {
  readonly operation: string;
  readonly error?: DescribedError;
  readonly addresses: readonly number[];
}

const TIGHT: Confinement = { softByteLength: 65_536, hardByteLength: 65_536 };
const NO_LOCK: Confinement = { softByteLength: 0, hardByteLength: 0 };

/** The errors of system calls that are refused and of limits that are reached, as far as this machine can provoke them. */
export async function provokedErrors(context: Context): Promise<readonly ProvokedError[]> {
  const { evidence, capabilities, page } = context;
  const provoke = async (
    operation: string,
    task: string,
    parameters: object,
    confinement?: Confinement,
  ): Promise<ProvokedError> => {
    try {
      const seen = await evidence.task<Omit<ProvokedError, 'operation'>>(
        task,
        parameters,
        confinement,
      );
      return { operation, ...seen };
    } catch (error) {
      // Each of them has a requirement of its own, which says so.
      if (error instanceof NotProven) return { operation, addresses: [] };
      throw error;
    }
  };
  const errors = [provoke('map', 'mapOnce', { byteLength: 2 ** 50 })];
  if (capabilities.locking === 'locked') {
    const raise = { within: 2 * 65_536, further: 3 * 65_536, beyond: 4 * 65_536 };
    const room: Confinement = { softByteLength: 65_536, hardByteLength: 3 * 65_536 };
    errors.push(
      provoke('map', 'fillLockLimit', {}, TIGHT),
      provoke('map', 'mapOnce', {}, NO_LOCK),
      provoke('map', 'mapRefused', { call: 'mlock' }),
      provoke('unmap', 'unmapRefused', { byteLength: 3 * page }),
      provoke('raiseLockLimit', 'raiseLockLimit', raise, room),
    );
  }
  if (capabilities.dumpExclusion) errors.push(provoke('map', 'mapRefused', { call: 'madvise' }));
  if (levelsOf(capabilities).length > 0) errors.push(provoke('protect', 'protectRefused', {}));
  return Promise.all(errors);
}
