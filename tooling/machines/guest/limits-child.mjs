import { execFileSync } from 'node:child_process';
import { writeFileSync, writeSync } from 'node:fs';
import { createAllocator } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { forgetWipeOnFork } from './seccomp.mjs';

/** limits-child.mjs TRIAL BACKEND: one machine that is short of something, and what a program is told there. */
const [trial = '', name = '', promised = '0'] = process.argv.slice(2);
const PROMISED_BYTE_LENGTH = Number(promised);
const open = name === 'koffi' ? koffiBackend : napiBackend;

/** @type {Readonly<Record<string, () => object>>} */
const TRIALS = {
  mappings: () => {
    writeFileSync('/proc/sys/vm/max_map_count', '1000');
    return { ...untilRefused(8_192, 2_000), doctor: doctorAbout(/mappings/) };
  },
  overcommit: () => {
    const budget = { lockedByteLengthMax: PROMISED_BYTE_LENGTH * 4 };
    const memory = createAllocator({ backend: open({ kernelHidden: 'off' }), budget });
    const refusal = codeOf(() => memory.allocateSync(PROMISED_BYTE_LENGTH * 2));
    const { locked } = memory.randomSync(32).receipt;
    return { ...refusal, locked, ok: memory.verify().ok };
  },
  'wipe-on-fork': () => {
    if (!forgetWipeOnFork()) throw new Error('no filter can be set here');
    const memory = createAllocator({ backend: open({ kernelHidden: 'off' }) });
    const { forkBehaviour, forkSafe, locked } = memory.randomSync(32).receipt;
    return { forkBehaviour, forkSafe, locked, ok: memory.verify().ok };
  },
  'no-hidden': () => {
    const refusal = codeOf(() => open({ kernelHidden: 'require' }));
    const memory = createAllocator({ backend: open({ kernelHidden: 'prefer' }) });
    const { kernelHidden, locked } = memory.randomSync(32).receipt;
    return { refusal, kernelHidden, locked, doctor: doctorAbout(/memfd_secret/) };
  },
};
writeSync(1, JSON.stringify(TRIALS[trial]?.()));
process.exit(0);

/** Secrets until one is refused; then all of them go, and as many come again. @param {number} byteLength @param {number} countMax */
function untilRefused(byteLength, countMax) {
  const memory = createAllocator({ backend: open({ kernelHidden: 'off' }) });
  const fill = () => {
    const held = [];
    try {
      while (held.length < countMax) held.push(memory.allocateSync(byteLength));
    } catch (error) {
      const { code, message } = /** @type {any} */ (error);
      return { held, code, message };
    }
    return { held };
  };
  const first = fill();
  const count = first.held.length;
  for (const secret of first.held) secret.dispose();
  const second = fill();
  const { ok } = memory.verify();
  return { count, code: first.code, message: first.message, again: second.held.length, ok };
}

/** @param {() => unknown} fn */
function codeOf(fn) {
  try {
    fn();
    return undefined;
  } catch (error) {
    const { code, message } = /** @type {any} */ (error);
    return { code, message };
  }
}

/** The lines of the doctor about something. @param {RegExp} what */
function doctorAbout(what) {
  const program = new URL('../node_modules/securemem/dist/main.js', import.meta.url).pathname;
  try {
    const said = execFileSync(process.execPath, [program, 'doctor'], {
      encoding: 'utf8',
      cwd: '/program',
    });
    return said.split('\n').filter((line) => what.test(line));
  } catch (error) {
    return String(/** @type {any} */ (error).stdout ?? error)
      .split('\n')
      .filter((line) => what.test(line));
  }
}
