import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, Unmet } from '../expectation.js';
import { endOf, runChild } from './child.js';
import { requireCommand } from './confinement.js';
import { NotProven } from './evidence.js';
import { Marker } from './marker.js';

const CHUNK_BYTE_LENGTH = 4 * 1024 * 1024;

/**
 * Lets a child abort with a marker on each page of its regions and another one in ordinary memory, and looks for both in the
 * core file. The second must be there, or the file proves nothing; whether that is the machine's doing or the backend's is
 * shown by a child without a backend.
 */
export async function coreFileHolds(module: URL, timeLimitMs: number): Promise<boolean> {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1').trim();
  if (pattern.startsWith('|') || pattern.includes('/')) {
    throw new NotProven(`core files go elsewhere here (core_pattern is ${pattern})`);
  }
  requireCommand('prlimit');
  const withBackend = await coreOf(module, true, timeLimitMs);
  if (withBackend.holdsControl) return withBackend.holdsMarker;
  const without = await coreOf(module, false, timeLimitMs);
  const seen = withBackend.written ? 'a core file without ordinary memory' : 'no core file';
  if (!without.holdsControl) throw new NotProven(`the kernel writes ${seen} here`);
  throw new Unmet(`a process that opened the backend leaves ${seen}, and one without it does`);
}

interface Core {
  readonly written: boolean;
  readonly holdsControl: boolean;
  readonly holdsMarker: boolean;
}

async function coreOf(module: URL, withBackend: boolean, timeLimitMs: number): Promise<Core> {
  const [marker, control] = [new Marker(), new Marker()];
  const directory = await mkdtemp(join(tmpdir(), 'securemem-core-'));
  try {
    const launcher = ['prlimit', '--core=unlimited:unlimited'];
    const parameters = { marker, control, withBackend };
    const options = { launcher, cwd: directory, timeLimitMs };
    const end = await runChild(module, 'core', parameters, options);
    expect(end.ready && end.signal === 'SIGABRT', `the child that had to abort ${endOf(end)}`);
    const [file] = readdirSync(directory);
    if (file === undefined) return { written: false, holdsControl: false, holdsMarker: false };
    const path = join(directory, file);
    const holdsControl = await fileHolds(path, control);
    return { written: true, holdsControl, holdsMarker: await fileHolds(path, marker) };
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
