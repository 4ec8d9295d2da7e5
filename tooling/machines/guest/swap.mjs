import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { MARK_BYTE_LENGTH, putMark } from './marks.mjs';
import { say, tell } from './say.mjs';

/**
 * Fills the memory of a machine until hundreds of megabytes are on its swap device, while secrets lie in every kind of page. The host
 * reads the device afterwards.
 */
const CONTROLS = 20_000;
const SECRETS = 2_000;
const SWAPPED_BYTE_LENGTH = 200 * 2 ** 20;
const STEP_BYTE_LENGTH = 8 * 2 ** 20;

execFileSync('mkswap', ['/dev/vda']);
execFileSync('swapon', ['/dev/vda']);

const controls = [];
for (let n = 0; n < CONTROLS; n += 1) {
  const bytes = new Uint8Array(MARK_BYTE_LENGTH * 4);
  putMark(bytes, 'buffer');
  controls.push(bytes);
}

const kinds = /** @type {const} */ ([
  ['koffi', () => koffiBackend({ kernelHidden: 'off' })],
  ['napi', () => napiBackend({ kernelHidden: 'off' })],
  ['napi-hidden', () => napiBackend({ kernelHidden: 'require' })],
]);
const held = [];
for (const [owner, open] of kinds) {
  let backend;
  try {
    backend = open();
  } catch (error) {
    say({ [owner]: { unavailable: /** @type {Error} */ (error).message } });
    continue;
  }
  const memory = createAllocator({ backend });
  for (let n = 0; n < SECRETS; n += 1) {
    const secret = memory.allocateSync(MARK_BYTE_LENGTH);
    secret.write((bytes) => putMark(bytes, owner));
    held.push(secret);
  }
  const store = memory.store();
  for (let n = 0; n < SECRETS; n += 1) {
    const bytes = new Uint8Array(new ArrayBuffer(MARK_BYTE_LENGTH));
    putMark(bytes, 'sealed');
    store.setSync(`${n}`, bytes);
  }
  const { ok } = memory.verify();
  say({ [owner]: { secrets: SECRETS, ok, locked: held.at(-1)?.receipt.locked } });
}
tell('secrets are there, filling memory');

const ballast = [];
while (swapped() < SWAPPED_BYTE_LENGTH) {
  ballast.push(new Uint8Array(STEP_BYTE_LENGTH).fill(1 + (ballast.length % 250)));
  if (ballast.length % 8 === 0)
    tell(`${ballast.length * 8} MB more, ${swapped() >> 20} MB swapped`);
}
say({
  swappedByteLength: swapped(),
  controls: controls.length,
  status: statusOf(['VmSwap', 'VmLck']),
});
execFileSync('sync');
// Everything lives until here.
say({ alive: held.length + ballast.length + controls.length });

function swapped() {
  const text = readFileSync('/proc/meminfo', 'latin1');
  const total = Number(/SwapTotal:\s+(\d+)/.exec(text)?.[1]);
  const free = Number(/SwapFree:\s+(\d+)/.exec(text)?.[1]);
  return (total - free) * 1024;
}

/** @param {readonly string[]} names */
function statusOf(names) {
  const text = readFileSync('/proc/self/status', 'latin1');
  return Object.fromEntries(
    names.map((name) => [name, new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(text)?.[1]]),
  );
}
