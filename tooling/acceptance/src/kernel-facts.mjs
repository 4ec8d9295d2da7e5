import { readFileSync } from 'node:fs';

/** What the kernel says of this process: the evidence of every claim here. */

/** Bytes that this process has locked. */
export function lockedByteLength() {
  const [, kib] = /^VmLck:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
  return Number(kib) * 1024;
}

/** Number of mappings. */
export function mappings() {
  return readFileSync('/proc/self/maps', 'latin1').split('\n').length - 1;
}

/**
 * Locked mappings with their permissions and flags.
 * @returns {{ permissions: string, byteLength: number, flags: string[] }[]}
 */
export function lockedMappings() {
  const found = [];
  let head = '';
  for (const line of readFileSync('/proc/self/smaps', 'latin1').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) head = line;
    if (!line.startsWith('VmFlags:')) continue;
    const flags = line.slice(8).trim().split(' ');
    if (!flags.includes('lo')) continue;
    const [range = '', permissions = ''] = head.split(' ');
    const [from = '0', to = '0'] = range.split('-');
    const byteLength = Number(BigInt(`0x${to}`) - BigInt(`0x${from}`));
    found.push({ permissions, byteLength, flags });
  }
  return found;
}
