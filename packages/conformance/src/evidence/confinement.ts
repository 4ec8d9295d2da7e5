import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Confinement, NotProven } from './evidence.js';

/** CAP_IPC_LOCK: who has it may lock without limit. */
const IPC_LOCK_BIT = 14n;

/** The commands in front of a child that must be bound by a lock limit. The child proves for itself that it is. */
export function confine({ softByteLength, hardByteLength }: Confinement): readonly string[] {
  const limit = ['prlimit', `--memlock=${softByteLength}:${hardByteLength}`];
  requireCommand('prlimit');
  if (!mayLockWithoutLimit()) return limit;
  requireCommand('setpriv');
  return [...limit, 'setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'];
}

function mayLockWithoutLimit(): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> IPC_LOCK_BIT) & 1n) === 1n;
}

/** @throws NotProven when the command is not installed. */
export function requireCommand(name: string): void {
  if (spawnSync(name, ['--version'], { stdio: 'ignore' }).error !== undefined) {
    throw new NotProven(`needs the command ${name}, which is not installed`);
  }
}
