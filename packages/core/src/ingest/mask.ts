/**
 * All ones when `first <= byte <= last`, else 0, with no branch: neither difference is negative exactly then. Arguments
 * are small integers.
 */
export function within(byte: number, first: number, last: number): number {
  return ~(((byte - first) | (last - byte)) >> 31);
}
