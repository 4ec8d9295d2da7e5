import type { RefusalRules } from './refusal.js';

export const LINUX: RefusalRules = {
  lockLimit: [],
  hiddenLockLimit: [11], // EAGAIN of the mapping of a memfd_secret file (secretmem_mmap in mm/secretmem.c)
  firstTouch: [14], // EFAULT of a system call that writes to such a page
  limitOfZero: [1], // EPERM (can_do_mlock in mm/mlock.c)
  forbidden: [1, 13, 38], // EPERM, EACCES, ENOSYS: what sandboxes answer
  ambiguous: [12], // ENOMEM
  shortage: [11], // EAGAIN: madvise at the mapping limit, mlock where no page could be brought in
  tooLarge: [],
  noDescriptor: [24, 23], // EMFILE, ENFILE
  lockRemedy:
    'raise RLIMIT_MEMLOCK: ulimit -l, LimitMEMLOCK= in a systemd unit, --ulimit memlock= for a container',
  raiseRemedy:
    'raise the hard limit: LimitMEMLOCK= in a systemd unit, --ulimit memlock= for a container',
};

export const DARWIN: RefusalRules = {
  lockLimit: [35], // EAGAIN: the limit of this process or the system's limit on wired memory (mlock(2))
  hiddenLockLimit: [],
  firstTouch: [],
  limitOfZero: [1], // EPERM
  forbidden: [1, 13], // EPERM, EACCES
  ambiguous: [12], // ENOMEM
  shortage: [],
  tooLarge: [],
  noDescriptor: [],
  lockRemedy: 'raise the limit with ulimit -l, or vm.user_wire_limit with sysctl',
  raiseRemedy: 'raise the hard limit with ulimit -Hl, or vm.user_wire_limit with sysctl',
};

/** Windows, and Wine. */
export const WINDOWS: RefusalRules = {
  // ERROR_WORKING_SET_QUOTA; under Wine it is ERROR_ACCESS_DENIED, which VirtualLock gives for nothing else on our pages.
  lockLimit: [1453, 5],
  hiddenLockLimit: [],
  firstTouch: [],
  limitOfZero: [],
  forbidden: [5], // ERROR_ACCESS_DENIED, of calls that are not VirtualLock
  ambiguous: [],
  // ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_COMMITMENT_LIMIT.
  shortage: [8, 14, 1450, 1455],
  tooLarge: [87], // ERROR_INVALID_PARAMETER, for more than the address space
  noDescriptor: [],
  lockRemedy: 'raise the minimum working set: raiseLockLimit does it within the quota of the user',
  raiseRemedy: 'grant the user SeIncreaseWorkingSetPrivilege, or ask for less',
};

/** The rules of the system that this process runs on. */
export function rulesHere(): RefusalRules {
  if (process.platform === 'darwin') return DARWIN;
  return process.platform === 'win32' ? WINDOWS : LINUX;
}
