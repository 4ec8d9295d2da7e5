import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A machine that says nothing new for so long is ended. Emulation on a busy machine is slow, not silent. */
const BOOT_MS_MAX = 900_000;

/** What a guest says to us begins with this. */
const SAID = /@securemem (\{.*\})\s*$/;

/** @type {Readonly<Record<import('./kernels.mjs').Kernel['architecture'], readonly string[]>>} */
const EMULATORS = {
  amd64: ['qemu-system-x86_64', '-machine', 'pc', '-cpu', 'max'],
  arm64: ['qemu-system-aarch64', '-machine', 'virt', '-cpu', 'cortex-a72'],
};
const CONSOLES = { amd64: 'ttyS0', arm64: 'ttyAMA0' };

/** The emulator of an architecture, as a program of this machine. @param {import('./kernels.mjs').Kernel} kernel */
export function emulatorOf({ architecture }) {
  return String(EMULATORS[architecture][0]);
}

/**
 * What a machine said, and how it ended.
 *
 * @typedef {object} Said
 * @property {Readonly<Record<string, any>>} facts all that its lines hold, later ones over earlier ones
 * @property {readonly string[]} console everything that was on its console
 */

/**
 * Boots a machine, and waits until it has powered itself off. Throws with the last lines of its console where its program failed or it died.
 *
 * @param {object} machine
 * @param {import('./kernels.mjs').Kernel} machine.kernel
 * @param {string} machine.image
 * @param {string} machine.initrd
 * @param {string} machine.scenario the program of `guest/`
 * @param {number} machine.megabytes of memory
 * @param {readonly string[]} [machine.disks] raw files: the first is `/dev/vda`
 * @param {string} [machine.parameters] more of them for the kernel
 * @param {(facts: Readonly<Record<string, any>>) => boolean} [machine.endsWith] whether a machine that said this has ended well; `end: 0`
 *   unless told
 * @param {(line: string) => void} [machine.onLine]
 * @returns {Promise<Said>}
 */
export async function boot({
  kernel,
  image,
  initrd,
  scenario,
  megabytes,
  disks = [],
  parameters = '',
  endsWith = ({ end }) => end === 0,
  onLine = () => undefined,
}) {
  const [emulator = '', ...options] = EMULATORS[kernel.architecture];
  const append = [
    `console=${CONSOLES[kernel.architecture]} quiet loglevel=1 panic=-1`,
    kernel.parameters,
    parameters,
    `securemem.scenario=${scenario}`,
  ];
  const args = [
    ...options,
    ...(kernel.architecture === 'amd64' ? ['-accel', 'kvm'] : []),
    ...['-accel', 'tcg,thread=multi', '-smp', '2', '-m', String(megabytes)],
    ...['-kernel', image, '-initrd', initrd, '-append', append.join(' ')],
    ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-nic', 'none', '-no-reboot'],
    ...disks.flatMap((file) => ['-drive', `file=${file},format=raw,if=virtio,cache=unsafe`]),
  ];
  const child = spawn(emulator, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {string[]} */
  const lines = [];
  /** @type {Record<string, any>} */
  const facts = {};
  const silence = setTimeout(() => child.kill('SIGKILL'), BOOT_MS_MAX);
  const hear = (/** @type {string} */ line) => {
    silence.refresh();
    lines.push(line);
    const [, text] = SAID.exec(line) ?? [];
    if (text !== undefined) Object.assign(facts, JSON.parse(text));
    onLine(line);
  };
  createInterface({ input: child.stdout }).on('line', hear);
  createInterface({ input: child.stderr }).on('line', hear);
  try {
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
  } finally {
    clearTimeout(silence);
    child.kill('SIGKILL');
  }
  if (endsWith(facts)) return { facts, console: lines };
  throw new Error(`the machine of ${scenario} did not end well:\n${lines.slice(-40).join('\n')}`);
}
