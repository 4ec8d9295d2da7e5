import { remedies } from '@securemem/core';
import type { ByteLimit, Facts, Surroundings } from '../facts.js';
import type { Finding } from '../finding.js';
import { limitInForce } from '../limit-in-force.js';
import type { Need } from '../need.js';
import { lockedByteLengthFor } from '../room.js';
import { bytes, limit } from '../words.js';

/** Below this a program that handles requests meets the limit at once; what older kernels gave by default. */
const LITTLE_BYTE_LENGTH = 65_536;
/** What the advice asks for when nobody said what is needed: room for some thousand keys. */
const ENOUGH_BYTE_LENGTH = 1_048_576;

const RELEVANT: Record<Surroundings, readonly string[]> = {
  lambda: ['lambda'],
  fargate: ['fargate'],
  kubernetes: ['kubernetes'],
  docker: ['docker', 'compose', 'shell'],
  systemd: ['systemd'],
  shell: ['shell', 'prlimit', 'login', 'systemd', 'docker', 'compose', 'kubernetes'],
};

/** The lock limit that really binds, soft against hard, and whether CAP_IPC_LOCK counts. */
export function checkLockLimit(facts: Facts, need: Need): Finding {
  const { soft, hard, capability, userNamespace } = facts.lock;
  const inForce = limitInForce(facts);
  const id = 'lock-limit';
  if (inForce === 'unlimited') {
    const why =
      soft === 'unlimited'
        ? 'there is no lock limit'
        : `CAP_IPC_LOCK lifts the limit of ${limit(soft)}`;
    return { id, level: 'good', says: `${why}: this process may lock any memory`, remedies: [] };
  }
  if (inForce === 'unknown') {
    const says = 'how much may be locked cannot be found out here; 64 KiB is assumed';
    return { id, level: 'note', says, remedies: [] };
  }
  const parts = [`this process may lock ${bytes(inForce)}`];
  if (capability === true && userNamespace === true) {
    parts.push('CAP_IPC_LOCK shows, but in a user namespace it does not count');
  }
  if (typeof hard === 'number' && typeof soft === 'number' && hard > soft) {
    parts.push(`it may raise that to ${bytes(hard)} itself`);
  } else if (hard === 'unlimited') parts.push('it may raise that itself without bound');
  const wanted = Math.max(
    lockedByteLengthFor(facts, need) ?? ENOUGH_BYTE_LENGTH,
    LITTLE_BYTE_LENGTH,
  );
  const page = typeof facts.pageByteLength === 'number' ? facts.pageByteLength : 4096;
  const level = levelOf(inForce, page);
  return {
    id,
    level,
    says: parts.join('; '),
    remedies: level === 'good' ? [] : raiseLines(facts, hard, wanted),
  };
}

/** 64 KiB, what a container usually gets, is enough to work under and little enough to say how it is raised. */
function levelOf(inForce: number, pageByteLength: number): Finding['level'] {
  if (inForce < pageByteLength) return 'blocked';
  if (inForce < LITTLE_BYTE_LENGTH) return 'weak';
  return inForce === LITTLE_BYTE_LENGTH ? 'note' : 'good';
}

/** The lines that raise the limit, for whoever seems to have started this process. */
export function raiseLines(facts: Facts, hard: ByteLimit, wanted: number): string[] {
  const lines: string[] = [];
  const mayRaise = hard === 'unlimited' || (typeof hard === 'number' && hard >= wanted);
  if (mayRaise) lines.push('createAllocator({ budget: { raiseLimit: true }, … })');
  const known = remedies.lockLimitRemedies(wanted);
  if (facts.platform === 'win32')
    return known.filter(({ starter }) => starter === 'windows').map(line);
  // Past the hard limit `ulimit` of an ordinary user, and of a container, is refused; below it nobody needs root.
  const refused = mayRaise ? 'prlimit' : hard === 'unknown' ? undefined : 'shell';
  const relevant = RELEVANT[facts.surroundings].filter((starter) => starter !== refused);
  return [...lines, ...known.filter(({ starter }) => relevant.includes(starter)).map(line)];
}

function line({ starter, line, note }: remedies.Remedy): string {
  const words = [line, note].filter((text) => text !== undefined && text !== '');
  return `${starter}: ${words.join('   # ')}`;
}
