/**
 * What to do about each limit, in one place: the errors of the allocator and the doctor say the same words. Byte counts
 * are rounded up to KiB, the unit of `ulimit -l`.
 */

const kib = (byteLength: number): number => Math.ceil(byteLength / 1024);

/** For `ERR_SECMEM_LOCK_LIMIT` by the kernel: lines to paste that give at least `byteLength` bytes. */
export function raiseLockLimitRemedy(byteLength: number): string {
  const n = kib(byteLength);
  return (
    `raise the lock limit to ${n} KiB or more: \`ulimit -l ${n}\` in the shell that starts it, ` +
    `LimitMEMLOCK=${n}K in a systemd unit, \`--ulimit memlock=${n * 1024}\` for docker run; ` +
    'or lock less: pool secrets, seal cold ones, or wait for a place'
  );
}

/** For a refusal by the allocator's own budget. */
export const RAISE_BUDGET_REMEDY =
  'release secrets, wait for a place (onCapacity: "wait"), or raise budget.lockedByteLengthMax';

/** For `ERR_SECMEM_MAP_LIMIT`. */
export const MAP_LIMIT_REMEDY =
  'pool secrets instead of giving each its own region, or raise vm.max_map_count: `sysctl -w vm.max_map_count=262144`';

/** For `ERR_SECMEM_OUT_OF_MEMORY`. */
export const OUT_OF_MEMORY_REMEDY =
  'free memory, or raise the address-space limit (`ulimit -v unlimited`) or the memory limit of the control group';

/** For `ERR_SECMEM_DENIED`. */
export const DENIED_REMEDY =
  'a sandbox forbids locking: allow mlock in the seccomp profile (SystemCallFilter=@memlock in systemd), or grant CAP_IPC_LOCK';

/** For `ERR_SECMEM_CANNOT_RAISE`. */
export const CANNOT_RAISE_REMEDY =
  'the hard limit is set by whoever starts the process: LimitMEMLOCK= in systemd, --ulimit memlock= in docker, limits.conf for a login';
