import { readFileSync } from 'node:fs';
import { ownProperties } from '@securemem/core';

/** Without a prototype, since Node reads further options through it. */
const AS_LATIN1 = ownProperties({ encoding: 'latin1' } as const, 'options');

/** What a file of the kernel says, such as those of `/proc`. Throws Node's own error. */
export function readKernelFile(path: string): string {
  return readFileSync(path, AS_LATIN1);
}
