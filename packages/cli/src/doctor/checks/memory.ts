import { remedies } from '@securemem/core';
import type { Facts } from '../facts.js';
import type { Finding } from '../finding.js';
import { budgetByteLength } from '../room.js';
import { bytes } from '../words.js';

/** The memory limit of the control group, past which the kernel kills the process instead of refusing. */
export function checkMemoryGroup(facts: Facts): Finding | undefined {
  const { groupLimitByteLength: max } = facts.memory;
  const id = 'memory-group';
  if (max === 'unknown') return undefined;
  if (max === 'unlimited') {
    return { id, level: 'good', says: 'no control group limits the memory', remedies: [] };
  }
  const says = `the control group allows ${bytes(max)} of memory and kills the process beyond it, without an error`;
  if (budgetByteLength(facts) < max / 2) return { id, level: 'note', says, remedies: [] };
  const half = Math.floor(max / 2);
  return {
    id,
    level: 'weak',
    says: `${says}; the budget is ${bytes(budgetByteLength(facts))}, so secrets alone could get there`,
    remedies: [`createAllocator({ budget: { lockedByteLengthMax: ${half} }, … }), or less`],
  };
}

/** The smallest unit of locking. */
export function checkPage({ pageByteLength }: Facts): Finding | undefined {
  if (pageByteLength === 'unknown') return undefined;
  const says = `pages have ${bytes(pageByteLength)}: what is locked is counted in these`;
  return { id: 'page', level: 'good', says, remedies: [] };
}

/** A sandbox that forbids locking, as far as it was noticed when a page was asked for. */
export function checkSeccomp({ seccomp, backends }: Facts): Finding | undefined {
  const id = 'seccomp';
  const denied = backends.some(
    ({ trial }) => trial?.passed === false && trial.code === 'ERR_SECMEM_DENIED',
  );
  if (denied) {
    const says = 'a sandbox refuses a system call that secure memory needs';
    return { id, level: 'blocked', says, remedies: [remedies.DENIED_REMEDY] };
  }
  if (seccomp === 'unknown') return undefined;
  if (seccomp === 0)
    return { id, level: 'good', says: 'no seccomp filter is in force', remedies: [] };
  const tried = backends.some(({ trial }) => trial?.passed === true);
  const says = `a seccomp filter is in force${tried ? ', and lets through what secure memory needs' : ''}`;
  return { id, level: tried ? 'good' : 'note', says, remedies: [] };
}
