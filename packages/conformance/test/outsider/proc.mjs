import { readFileSync } from 'node:fs';

/** What the kernel says of this process and its memory. */

/** CAP_IPC_LOCK: whoever has it may lock without limit. */
const IPC_LOCK = 14n;

const read = (/** @type {string} */ name) => readFileSync(`/proc/self/${name}`, 'latin1');

export function lockLimits() {
  const [, soft = '0', hard = '0'] =
    /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(read('limits')) ?? [];
  const effective = /^CapEff:\s+(\S+)$/m.exec(read('status'))?.[1] ?? '0';
  const free = ((BigInt(`0x${effective}`) >> IPC_LOCK) & 1n) === 1n;
  /** @param {string} text */
  const limitOf = (text) => (text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text));
  return { free, soft: limitOf(soft), hard: limitOf(hard) };
}

export const lockedByteLength = () =>
  Number(/^VmLck:\s+(\d+) kB$/m.exec(read('status'))?.[1] ?? 0) * 1024;

export const mappingsLeft = () =>
  Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1')) -
  (read('maps').split('\n').length - 1);

/** Every mapping of this process with its lock and its flags, in the order of addresses. */
export function mappings() {
  return read('smaps')
    .split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
    .filter(Boolean)
    .map((text) => {
      const [, start = '0', end = '0', access = ''] = /^(\w+)-(\w+) (\S+)/.exec(text) ?? [];
      return {
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        access: access.slice(0, 2),
        locked: Number(/^Locked:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024,
        flags: (/^VmFlags: (.*)$/m.exec(text)?.[1] ?? '').trim().split(' '),
      };
    });
}
