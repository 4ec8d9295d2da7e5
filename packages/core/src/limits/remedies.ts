/**
 * What to do about each limit, in one place: the errors of the allocator and the doctor say the same words. Byte counts
 * are rounded up to KiB, the unit of `ulimit -l`.
 */

const kib = (byteLength: number): number => Math.ceil(byteLength / 1024);

/** Where a process is started, and so where its limits are set. */
export type Starter =
  | 'shell'
  | 'prlimit'
  | 'systemd'
  | 'docker'
  | 'compose'
  | 'kubernetes'
  | 'fargate'
  | 'lambda'
  | 'login'
  | 'capability'
  | 'windows';

/** How one way of starting a process sets a limit. */
export interface Remedy {
  readonly starter: Starter;
  /** A line to paste; undefined where there is no such setting. */
  readonly line: string | undefined;
  /** What else to know, as a sentence; empty where the line says it all. */
  readonly note: string;
}

/** Every way to let a process lock at least `byteLength` bytes. Sources: the manuals of each, October 2026. */
export function lockLimitRemedies(byteLength: number): readonly Remedy[] {
  const n = kib(byteLength);
  const bytes = n * 1024;
  const of = (starter: Starter, line: string | undefined, note = ''): Remedy => ({
    starter,
    line,
    note,
  });
  return [
    of(
      'shell',
      `ulimit -l ${n}`,
      'up to the hard limit; raising that takes root, as in the next lines',
    ),
    of(
      'prlimit',
      `sudo prlimit --pid $$ --memlock=${bytes}:${bytes}`,
      'in the shell that starts it; raises the hard limit too',
    ),
    of('systemd', `LimitMEMLOCK=${n}K`, 'in the [Service] section of the unit'),
    of('docker', `docker run --ulimit memlock=${bytes}:${bytes} …`),
    of('compose', `ulimits: { memlock: { soft: ${bytes}, hard: ${bytes} } }`, 'under the service'),
    of(
      'kubernetes',
      undefined,
      `a pod cannot set it: raise it for the container runtime of the node (LimitMEMLOCK=${n}K in its unit), ` +
        'or add the capability IPC_LOCK, which counts only for a container that runs as root; ' +
        'securityContext.ulimits of KEP-5758 is to come as alpha in 1.38',
    ),
    of(
      'fargate',
      undefined,
      'only nofile can be set there: raise the soft limit to the hard one (budget.raiseLimit), or seal cold secrets',
    ),
    of(
      'lambda',
      undefined,
      'it cannot be set there: raise the soft limit to the hard one (budget.raiseLimit), or seal cold secrets',
    ),
    of('login', `* - memlock ${n}`, 'in /etc/security/limits.conf; holds from the next login on'),
    of(
      'capability',
      'setcap cap_ipc_lock=+ep "$(readlink -f "$(command -v node)")"',
      'lifts the limit for everybody who may run this node; has no effect in a user namespace',
    ),
    of(
      'windows',
      undefined,
      'the limit is the working set: raiseLockLimit() or budget.raiseLimit enlarges it without more rights',
    ),
  ];
}

/** For `ERR_SECMEM_LOCK_LIMIT` by the kernel: lines to paste that give at least `byteLength` bytes. */
export function raiseLockLimitRemedy(byteLength: number): string {
  const n = kib(byteLength);
  return (
    `raise the lock limit to ${n} KiB or more: \`ulimit -l ${n}\` in the shell that starts it, ` +
    `LimitMEMLOCK=${n}K in a systemd unit, \`--ulimit memlock=${n * 1024}\` for docker run`
  );
}

/** For a refusal by the allocator's own budget. */
export const RAISE_BUDGET_REMEDY = 'raise budget.lockedByteLengthMax';

/** For the same by the budget of the fallback. */
export const RAISE_FALLBACK_BUDGET_REMEDY = 'raise fallbackByteLengthMax';

/** For `ERR_SECMEM_SECRETS_LIMIT`. */
export const RAISE_SECRETS_REMEDY = 'raise budget.secretsMax';

/** For `ERR_SECMEM_MAP_LIMIT`. */
export const MAP_LIMIT_REMEDY =
  'pool secrets instead of giving each its own region, or raise vm.max_map_count: `sysctl -w vm.max_map_count=262144`';

/** For `ERR_SECMEM_OUT_OF_MEMORY`. */
export const OUT_OF_MEMORY_REMEDY =
  'free memory, or raise the address-space limit (`ulimit -v unlimited`) or the memory limit of the control group';

/** For `ERR_SECMEM_OUT_OF_MEMORY` where descriptors are what is missing. */
export const DESCRIPTORS_REMEDY =
  'close files and sockets, or raise the limit of open files: `ulimit -n`, LimitNOFILE= in a systemd unit';

/** For `ERR_SECMEM_DENIED`. */
export const DENIED_REMEDY =
  'allow mmap, mprotect, madvise and mlock in the seccomp profile of the sandbox (SystemCallFilter=@memlock in systemd), or grant CAP_IPC_LOCK';

/** For `ERR_SECMEM_CANNOT_RAISE`. */
export const CANNOT_RAISE_REMEDY =
  'the hard limit is set by whoever starts the process: LimitMEMLOCK= in systemd, --ulimit memlock= in docker, limits.conf for a login';

/** For a backend that cannot be loaded under Node's permission model. */
export const PERMISSION_REMEDY = 'start Node with --allow-addons beside --permission';

/** Where nothing can be hidden from root. */
export const KERNEL_HIDDEN_REMEDY =
  'memfd_secret needs Linux 5.14 or later, secretmem.enable=1 on the kernel command line before 6.5, and @securemem/napi';

/** Where a core file would be written. */
export const CORE_REMEDY =
  'call hardenProcess(), or start the process with `ulimit -c 0` (LimitCORE=0 in systemd)';

/** Where other processes of the same user may attach a debugger. */
export const PTRACE_REMEDY = 'call hardenProcess(), or `sysctl -w kernel.yama.ptrace_scope=1`';

/** Where the runtime's own debugger is open, or a signal opens it. */
export const DEBUGGER_REMEDY =
  'call hardenProcess() on the main thread, and start Node with --disable-sigusr1 where it has the option (22.14, 24)';

/** Where the machine can write all of its memory to disk. */
export const HIBERNATION_REMEDY =
  'switch it off: `systemctl mask hibernate.target hybrid-sleep.target suspend-then-hibernate.target`';

/** Where pages are closed at rest and the program listens to SIGSEGV. */
export const SIGSEGV_REMEDY =
  'take the listener away: a stray touch of a closed page would spin for ever instead of killing the process';
