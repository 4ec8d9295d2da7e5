import type { Supervisor } from '../supervisor/supervisor.js';
import type { MemberStats } from './reports.js';

/** One keeper of a pool, as the pool sees it. */
export class Member {
  readonly index: number;
  readonly supervisor: Supervisor;
  /** Kept from calls by the host. */
  drained = false;
  /** Whether it was said that it is lost. */
  lossTold = false;
  readonly #onIdle: (() => void)[] = [];

  constructor(index: number, supervisor: Supervisor) {
    this.index = index;
    this.supervisor = supervisor;
  }

  get gone(): boolean {
    const { state } = this.supervisor;
    return state === 'lost' || state === 'halted' || state === 'closed';
  }

  /** Whether a call of this operation would be sent to it in this very step. */
  takes(operation: string): boolean {
    return !this.drained && this.supervisor.writable && this.supervisor.offers(operation);
  }

  get busy(): number {
    return this.supervisor.openCalls + this.supervisor.waitingCalls;
  }

  stats(): MemberStats {
    return { ...this.supervisor.stats(), drained: this.drained };
  }

  /** Resolves when it has no call any more. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
      this.look();
    });
  }

  /** To be called when something about it has changed. */
  look(): void {
    if (this.busy > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}

/**
 * The member that a key belongs to: the one with the highest weight among those given, so that only the keys of a member move when
 * it is gone (rendezvous hashing, Thaler and Ravishankar 1998). Undefined where none is given.
 */
export function homeOf(key: string, members: readonly Member[]): Member | undefined {
  let home: Member | undefined;
  let highest = -1;
  for (const member of members) {
    const weight = weigh(`${member.index}:${key}`);
    if (weight <= highest) continue;
    home = member;
    highest = weight;
  }
  return home;
}

/** FNV-1a in 32 bits over UTF-16 units, and the final mix of MurmurHash3: without it the first characters weigh too little. */
function weigh(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
