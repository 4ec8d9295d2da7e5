/** The identity that stands for "an ordinary user": `nobody` on every Linux distribution. */
const nobody = 65534;

/**
 * The command line that runs `command` under a lock limit that binds.
 *
 * A limit alone binds nobody who holds CAP_IPC_LOCK, and root in a container does: `as: 'root'` therefore takes the
 * capability out of the bounding set, which exec cannot put back, and `as: 'user'` changes to an ordinary user.
 * Whoever is an ordinary user already stays who they are: lowering a limit needs no privilege.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('./index.d.mts').Confinement} confinement
 * @returns {{ command: string, args: string[] }}
 */
export function confine(command, args, confinement) {
  const { memlockByteLength: soft, memlockHardByteLength: hard = soft, as } = confinement;
  requireByteLength(soft, 'memlockByteLength');
  if (hard !== 'unlimited') requireByteLength(hard, 'memlockHardByteLength');
  if (hard !== 'unlimited' && hard < soft) {
    throw new RangeError('memlockHardByteLength must be at least memlockByteLength');
  }
  return {
    command: 'prlimit',
    args: [`--memlock=${soft}:${hard}`, ...identity(as), command, ...args],
  };
}

/** @param {unknown} value @param {string} name */
function requireByteLength(value, name) {
  if (!Number.isSafeInteger(value) || Number(value) < 0) {
    throw new RangeError(`${name} must be a whole number of bytes, 0 or more`);
  }
}

/** @param {'root' | 'user'} as */
function identity(as) {
  if (as === 'root') return ['setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'];
  if (as !== 'user') throw new TypeError("as must be 'root' or 'user'");
  if (process.getuid?.() !== 0) return [];
  return ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
}
