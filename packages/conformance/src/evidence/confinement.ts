import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ownProperties } from '@securemem/core/contract';
import { type Confinement, NotProven } from './evidence.js';

/** CAP_IPC_LOCK: who has it may lock without limit. CAP_SYS_RESOURCE: who has it may raise its own hard limits. */
const IPC_LOCK_BIT = 14n;
const SYS_RESOURCE_BIT = 24n;
const PRIVILEGES = '-ipc_lock,-sys_resource';

/** The commands in front of a child that must be bound by a lock limit. The child proves for itself that it is. */
export function confine({ softByteLength, hardByteLength }: Confinement): readonly string[] {
  const limit = ['prlimit', `--memlock=${softByteLength}:${hardByteLength}`];
  requireCommand('prlimit');
  if (!isPrivileged()) return limit;
  requireCommand('setpriv');
  return [...limit, 'setpriv', `--bounding-set=${PRIVILEGES}`, `--inh-caps=${PRIVILEGES}`];
}

/** Root hides the answer: no limit binds it, and none is hard. */
function isPrivileged(): boolean {
  const status = readFileSync('/proc/self/status', 'latin1');
  const effective = BigInt(`0x${/^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return [IPC_LOCK_BIT, SYS_RESOURCE_BIT].some((bit) => ((effective >> bit) & 1n) === 1n);
}

/** @throws NotProven when the command is not installed. */
export function requireCommand(name: string): void {
  const options = ownProperties({ stdio: 'ignore' as const }, 'options');
  if (spawnSync(name, ['--version'], options).error !== undefined) {
    throw new NotProven(`needs the command ${name}, which is not installed`);
  }
}
