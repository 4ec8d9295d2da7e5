import { readKernelFile } from '../kernel-file.js';
import type { RecycleOptions } from '../options.js';
import type { StartGate } from './start-gate.js';

/** How often age and size are looked at, in milliseconds. */
const LOOK_MS = 1_000;

/** What is looked at of a life. */
interface Aging {
  readonly answeredCalls: number;
  readonly ageMs: number;
  readonly pid: number;
}

/** Replaces a life as planned once it has had enough calls, time or memory; members of a pool one after the other. */
export class Recycling {
  readonly #options: RecycleOptions;
  readonly #gate: StartGate;
  readonly #restart: () => Promise<void>;
  readonly #current: () => Aging | undefined;
  readonly #begin = (): void => {
    const over = (): void => {
      this.#asked = false;
      this.#gate.leave(this.#begin);
    };
    this.#restart().then(over, over);
  };
  #asked = false;
  #timer: NodeJS.Timeout | undefined;

  /** `restart` resolves or rejects once it is over; `current` is a life that takes calls. */
  constructor(
    options: RecycleOptions,
    gate: StartGate,
    restart: () => Promise<void>,
    current: () => Aging | undefined,
  ) {
    this.#options = options;
    this.#gate = gate;
    this.#restart = restart;
    this.#current = current;
    const { ageMsMax, residentByteLengthMax } = options;
    if (ageMsMax === undefined && residentByteLengthMax === undefined) return;
    // The keeper keeps the host alive, this does not.
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** To be called after an answer, too. */
  look(): void {
    const life = this.#asked ? undefined : this.#current();
    if (life === undefined || !this.#isDue(life)) return;
    this.#asked = true;
    this.#gate.enter(this.#begin);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#gate.leave(this.#begin);
  }

  #isDue({ answeredCalls, ageMs, pid }: Aging): boolean {
    const { callsMax, ageMsMax, residentByteLengthMax } = this.#options;
    return (
      (callsMax !== undefined && answeredCalls >= callsMax) ||
      (ageMsMax !== undefined && ageMs >= ageMsMax) ||
      (residentByteLengthMax !== undefined && residentByteLength(pid) > residentByteLengthMax)
    );
  }
}

/** Bytes of a process that are in memory now; 0 where the system does not say so in a file. */
function residentByteLength(pid: number): number {
  try {
    const kibibytes = readKernelFile(`/proc/${pid}/status`).match(/^VmRSS:\s+(\d+) kB$/m);
    return Number(kibibytes?.[1] ?? 0) * 1_024;
  } catch {
    return 0;
  }
}
