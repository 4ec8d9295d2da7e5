import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { MARK_BYTE_LENGTH, putMark } from './marks.mjs';
import { say } from './say.mjs';

/**
 * First with a page that is hidden from the kernel, then without: the machine is told to hibernate each time. The second time it does, and
 * what its image has is read by the host.
 */
execFileSync('mkswap', ['/dev/vda']);
execFileSync('swapon', ['/dev/vda']);
writeFileSync('/sys/power/resume', readFileSync('/sys/block/vda/dev', 'latin1').trim());
writeFileSync('/sys/power/disk', 'shutdown');
say({ offered: stateOf('disk') });

const byDefault = createAllocator({ backend: napiBackend() });
const { kernelHidden, weaknesses } = held(byDefault, 'napi').receipt;
say({
  byDefault: {
    kernelHidden,
    reason: weaknesses.find(({ field }) => field === 'kernelHidden')?.reason,
  },
});

const hidden = createAllocator({ backend: napiBackend({ kernelHidden: 'require' }) });
held(hidden, 'napi-hidden');
say({ withHidden: { offered: stateOf('disk'), refusal: hibernate() } });
await hidden.close();
say({ afterwards: stateOf('disk') });

const memory = createAllocator({ backend: koffiBackend() });
const secret = held(memory, 'koffi');
const store = memory.store();
store.setSync('sealed', marked('sealed'));
const control = new Uint8Array(MARK_BYTE_LENGTH);
putMark(control, 'buffer');
held(memory, 'released').dispose();
say({ hibernating: true });
say({ woken: hibernate(), secret: secret.byteLength, control: control.byteLength });

/** @param {import('@securemem/core').Allocator} memory @param {import('./marks.mjs').Owner} owner */
function held(memory, owner) {
  const secret = memory.allocateSync(MARK_BYTE_LENGTH);
  secret.write((bytes) => putMark(bytes, owner));
  return secret;
}

/** @param {import('./marks.mjs').Owner} owner */
function marked(owner) {
  const bytes = new Uint8Array(new ArrayBuffer(MARK_BYTE_LENGTH));
  putMark(bytes, owner);
  return bytes;
}

/** What the kernel answers; nothing where it hibernates. */
function hibernate() {
  try {
    writeFileSync('/sys/power/state', 'disk');
    return undefined;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code;
  }
}

/** @param {string} file */
function stateOf(file) {
  return readFileSync(`/sys/power/${file}`, 'latin1').trim();
}
