import { type PathLike, stat } from 'node:fs';
import { promisify } from 'node:util';
import { ownProperties } from '../contract/own-properties.js';
import { inputInvalid } from '../lifetime/input-invalid.js';

const statFile = promisify(stat);

/** Without a prototype, since Node reads further options through it. */
const AS_BIGINT = ownProperties({ bigint: true } as const, 'options');

/** File systems count time in steps; a file that was written twice within one step looks the same after both. */
const STEP_MS_MAX = 100;

/** What a file looked like, without its content. */
export interface FileVersion {
  /** Two that are equal are the same file with the same content, as far as `settled` says. */
  readonly id: string;
  /** It was written so long ago that whatever is written from now on shows. */
  readonly settled: boolean;
}

/** What the file looks like now, through symbolic links. Rejects with Node's own error, or when it is no ordinary file. */
export async function versionOf(path: PathLike): Promise<FileVersion> {
  const now = Date.now();
  const found = await statFile(path, AS_BIGINT);
  // A pipe would be waited for, and never look changed.
  if (!found.isFile()) throw inputInvalid('follow', 'it is not an ordinary file', 'type');
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = found;
  // Of the two the one that no program can set back.
  const settled = Math.abs(now - Number(ctimeMs)) > STEP_MS_MAX;
  return { id: [dev, ino, size, mtimeNs, ctimeNs].join(' '), settled };
}
