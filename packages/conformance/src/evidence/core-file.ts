import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Protection } from '@securemem/core/contract';
import { expect } from '../expectation.js';
import { runChild } from './child.js';
import { requireCommand } from './confinement.js';
import { NotProven } from './evidence.js';
import { Marker } from './marker.js';

const CHUNK_BYTE_LENGTH = 4 * 1024 * 1024;

/**
 * Lets a child abort with a marker in a region and another one in ordinary memory, and looks for both in the core file.
 * The second must be there, or the file proves nothing.
 */
export async function coreFileHolds(
  module: URL,
  protectionsBefore: readonly Protection[],
): Promise<boolean> {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
  if (pattern.startsWith('|') || pattern.includes('/')) {
    throw new NotProven(`core files go elsewhere here (core_pattern is ${pattern})`);
  }
  requireCommand('prlimit');
  const [marker, control] = [new Marker(), new Marker()];
  const directory = await mkdtemp(join(tmpdir(), 'securemem-core-'));
  try {
    const parameters = { marker, control, protectionsBefore };
    const launcher = ['prlimit', '--core=unlimited:unlimited'];
    const { ready, signal } = await runChild(module, 'core', parameters, {
      launcher,
      cwd: directory,
    });
    expect(ready && signal === 'SIGABRT', `the child that had to abort ended by ${signal}`);
    const [file] = readdirSync(directory);
    if (file === undefined) throw new NotProven('the kernel wrote no core file');
    const path = join(directory, file);
    if (!(await fileHolds(path, control))) {
      throw new NotProven('the core file does not even hold ordinary memory');
    }
    return await fileHolds(path, marker);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Whether a file holds the marker, read in pieces: a core file may be larger than memory. */
async function fileHolds(path: string, marker: Marker): Promise<boolean> {
  const overlap = marker.byteLength - 1;
  const chunk = Buffer.alloc(CHUNK_BYTE_LENGTH + overlap);
  let prefix = Buffer.alloc(0);
  marker.lend((bytes) => {
    prefix = Buffer.from(bytes.slice(0, 4));
  });
  await using handle = await open(path, 'r');
  for (let position = 0; ; position += CHUNK_BYTE_LENGTH) {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead < marker.byteLength) return false;
    const part = chunk.subarray(0, bytesRead);
    for (let at = part.indexOf(prefix); at !== -1; at = part.indexOf(prefix, at + 1)) {
      if (marker.matches(part.subarray(at, at + marker.byteLength))) return true;
    }
  }
}
