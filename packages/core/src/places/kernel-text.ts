import { readFileSync } from 'node:fs';

/** What a file of the kernel says; undefined where there is none or it may not be read. */
export function kernelText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
