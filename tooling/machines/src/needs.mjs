import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { emulatorOf } from './machine.mjs';
import { mirrors } from './mirrors.mjs';

/** Programs beside the emulator, and the Debian package of each. */
const PROGRAMS = {
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  cpio: 'cpio',
  xz: 'xz-utils',
  ldd: 'libc-bin',
};
const EMULATOR_PACKAGES = { amd64: 'qemu-system-x86', arm64: 'qemu-system-arm' };
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/**
 * Why no machine with this kernel can be made here; undefined where one can.
 * @param {import('./kernels.mjs').Kernel} kernel @returns {string | undefined}
 */
export function missingHere(kernel) {
  const needed = { [emulatorOf(kernel)]: EMULATOR_PACKAGES[kernel.architecture], ...PROGRAMS };
  for (const [program, name] of Object.entries(needed)) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) {
      return `${program} is not installed (Debian package ${name})`;
    }
  }
  if (mirrors() === undefined) return 'the apt of this machine knows no archive of Debian';
  return existsSync(KEYRING)
    ? undefined
    : 'the keys of Debian are not here (Debian package debian-archive-keyring)';
}
