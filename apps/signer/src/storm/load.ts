import { isSecureMemoryError } from '@securemem/core';

/** What becomes of each request. */
export interface LoadListener<T> {
  settled(index: number, value: T): void;
  failed(index: number, code: string): void;
}

/**
 * Runs `requests` requests with `concurrency` of them in flight at any time; the next one starts when one is settled. A
 * failure is counted and stops nothing. An error without a code is a bug and is reported by its name.
 */
export async function runLoad<T>(
  requests: number,
  concurrency: number,
  run: (index: number) => Promise<T>,
  listener: LoadListener<T>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < requests) {
      const index = next++;
      try {
        listener.settled(index, await run(index));
      } catch (error) {
        listener.failed(index, codeOf(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, requests) }, lane));
}

function codeOf(error: unknown): string {
  if (isSecureMemoryError(error)) return error.code;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
