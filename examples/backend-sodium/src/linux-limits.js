import { readFileSync } from 'node:fs';

/** CAP_IPC_LOCK: who has it may lock without limit, in the first user namespace only. */
const ipcLockBit = 14n;

/** What the kernel counts as locked in this process, in bytes. @returns {number} */
export function lockedBytes() {
  const status = readFileSync('/proc/self/status', 'latin1');
  return Number(/^VmLck:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** The soft limit in force now. @returns {import('@securemem/core/contract').LockLimit} */
export function lockLimit() {
  if (isExempt()) return { kind: 'unlimited' };
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return { kind: 'unknown' };
  return soft === 'unlimited' ? { kind: 'unlimited' } : { kind: 'bytes', byteLength: Number(soft) };
}

function isExempt() {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const uidMap = readFileSync('/proc/self/uid_map', 'latin1');
  return ((effective >> ipcLockBit) & 1n) === 1n && /^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
}
