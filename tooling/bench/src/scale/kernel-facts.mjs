import { readFileSync } from 'node:fs';

/** Number of CAP_IPC_LOCK, which no lock limit binds (capabilities(7)). */
const ipcLock = 14n;

/** What the kernel counts of this process. */
export function kernelFacts() {
  const status = readFileSync('/proc/self/status', 'latin1');
  return {
    lockedByteLength: kib(status, 'VmLck'),
    mappings: readFileSync('/proc/self/maps', 'latin1').split('\n').length - 1,
  };
}

/** Only the locked bytes: cheap enough for every allocation. */
export function lockedByteLength() {
  return kib(readFileSync('/proc/self/status', 'latin1'), 'VmLck');
}

/** The lock limit that binds this process, in bytes, or 'unlimited'. */
export function lockLimitInForce() {
  const [, capabilities = '0'] =
    /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  if ((BigInt(`0x${capabilities}`) >> ipcLock) & 1n) return 'unlimited';
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const [, soft = 'unlimited'] = /^Max locked memory\s+(\S+)/m.exec(limits) ?? [];
  return soft === 'unlimited' ? soft : Number(soft);
}

/** @param {string} status @param {string} name */
function kib(status, name) {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(value) * 1024;
}
