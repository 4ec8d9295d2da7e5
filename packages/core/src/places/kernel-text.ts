import { readFileSync } from 'node:fs';
import { ownProperties } from '../contract/own-properties.js';

/** Without a prototype, since Node reads further options through it. */
const AS_LATIN1 = ownProperties({ encoding: 'latin1' } as const, 'options');

/** What a file of the kernel says; undefined where there is none or it may not be read. */
export function kernelText(path: string): string | undefined {
  try {
    return readFileSync(path, AS_LATIN1);
  } catch {
    return undefined;
  }
}
