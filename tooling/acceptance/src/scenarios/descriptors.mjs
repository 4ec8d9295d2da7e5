import { closeSync, openSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import koffi from 'koffi';
import { unavailable } from '../backends.mjs';

const setrlimit = koffi.load(null).func('int setrlimit(int, void *)');
const RLIMIT_NOFILE = 7;
const DESCRIPTORS = 64n;

/** Fills the table of descriptors, and shows that it is full. @returns {number[]} */
function filled() {
  const files = [];
  for (;;) {
    try {
      files.push(openSync('/dev/null', 'r'));
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EMFILE') return files;
      throw error;
    }
  }
}

/** @param {number[]} files */
function emptied(files) {
  for (const file of files.splice(0)) closeSync(file);
}

/** @param {() => unknown} run */
function refusal(run) {
  try {
    run();
    return undefined;
  } catch (error) {
    const { code, errno, details, message } =
      /** @type {import('@securemem/core').SecureMemoryError} */ (error);
    return { code, errno, message, limit: details?.limit, remedy: details?.remedy };
  }
}

/**
 * A backend that is opened while the table is full, one that was opened before, and what both can do when there is room again.
 * @param {{ open: () => import('@securemem/core').MemoryBackend, backendName: string }} context
 */
export async function full({ open, backendName }) {
  if (setrlimit(RLIMIT_NOFILE, BigUint64Array.of(DESCRIPTORS, DESCRIPTORS)) !== 0)
    throw new Error('the limit of open files cannot be set');
  const early = createAllocator({ backend: open() });
  const held = early.randomSync(32);
  const files = filled();
  const opening = refusal(open);
  const probed = unavailable(backendName);
  const mapping = refusal(() => early.allocateSync(5_000));
  const same = held.read((bytes) => bytes.length);
  emptied(files);
  const late = createAllocator({ backend: open() });
  return {
    opening,
    probed,
    mapping,
    same,
    hidden: [early, late].map((memory) => memory.allocateSync(5_000).receipt.kernelHidden),
  };
}
