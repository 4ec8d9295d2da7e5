import { type Allocator, isSecureMemoryError } from '@securemem/core';

const KEYS = 5;
const FAILING_INDEX = 2;

/** What became of loading five keys of which the third cannot be read. */
export interface PartialLoadReport {
  readonly keys: number;
  readonly loadedBeforeTheFailure: number;
  readonly failedIndex: number;
  readonly code: string;
  readonly cause: string;
  readonly secretsBefore: number;
  readonly secretsAfter: number;
}

/** Loads five keys at once; the third fails after others are there and while others are still on their way. */
export async function partialLoad(memory: Allocator): Promise<PartialLoadReport> {
  const secretsBefore = memory.stats().secrets;
  let loaded = 0;
  const loaders = Array.from({ length: KEYS }, (_, index) => async (phase: KeySource) => {
    if (index === FAILING_INDEX) {
      await new Promise(setImmediate);
      throw new Error('the third key file is damaged');
    }
    const key = await phase.random(32);
    loaded++;
    return key;
  });
  try {
    await memory.loadAll(loaders, { concurrencyMax: KEYS });
  } catch (error) {
    if (!isSecureMemoryError(error, 'ERR_SECMEM_LOAD_FAILED')) throw error;
    return {
      keys: KEYS,
      loadedBeforeTheFailure: loaded,
      failedIndex: Number(error.details['index'] ?? -1),
      code: error.code,
      cause: error.cause instanceof Error ? error.cause.message : 'unknown',
      secretsBefore,
      secretsAfter: memory.stats().secrets,
    };
  }
  throw new Error('five keys were loaded although the third cannot be read');
}

type KeySource = Pick<Allocator, 'random'>;
