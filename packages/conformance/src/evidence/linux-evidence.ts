import {
  type ForkBehaviour,
  type MemoryBackend,
  ownOptions,
  type RegionId,
} from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import { expect, Unmet } from '../expectation.js';
import { endOf, runChild } from './child.js';
import { confine } from './confinement.js';
import { coreFileHolds } from './core-file.js';
import {
  type Confinement,
  type Counts,
  type Evidence,
  NotProven,
  type ObservedFacts,
  type Place,
  type TamperAnswers,
  type Touch,
  type VariableFound,
} from './evidence.js';
import { Marker, TextMarker } from './marker.js';
import { Observer } from './observer.js';

/** Signals by which a page kills. */
const DEADLY: readonly (string | null)[] = ['SIGSEGV', 'SIGBUS'];

/**
 * One heap that grows in large steps: a process that has no mapping left must not die of an allocation of the engine's
 * own before the backend can answer.
 */
const QUIET_ENGINE = ['env', 'MALLOC_ARENA_MAX=1', 'MALLOC_TOP_PAD_=67108864'];

/** The name of a variable that only a child of this suite is given. */
const VARIABLE = 'SECUREMEM_CONFORMANCE';

/** Guards and headers belong to a region as much as its bytes do. */
const NEARBY_BYTE_LENGTH = 65_536;

interface Hidden {
  readonly start: number;
  readonly access: string;
}

/** Far longer than any question takes, on a machine ten times slower than usual too. */
const TIME_LIMIT_MS = 300_000;

/** How the operating system is asked. */
export interface LinuxEvidenceOptions {
  /** How long one child may take before it is ended, in milliseconds. Five minutes unless told. */
  readonly timeLimitMs?: number;
}

/**
 * Evidence from Linux: what /proc says of this process to another one, and children that die.
 *
 * @param module exports `open()`; children import it.
 */
export function linuxEvidence(module: URL, options?: LinuxEvidenceOptions): Evidence {
  const { timeLimitMs = TIME_LIMIT_MS } = ownOptions(options, ['timeLimitMs'], 'options');
  return new LinuxEvidence(module, timeLimitMs);
}

class LinuxEvidence implements Evidence {
  readonly name = 'operating system (Linux)';
  readonly #module: URL;
  readonly #observer = new Observer();
  readonly #answers = new Map<string, Promise<unknown>>();

  readonly #timeLimitMs: number;

  constructor(module: URL, timeLimitMs: number) {
    this.#module = module;
    this.#timeLimitMs = timeLimitMs;
  }

  begin(): Promise<void> {
    return this.#observer.begin();
  }

  counts(): Promise<Counts> {
    return this.#observer.ask('counts');
  }

  async locate(backend: MemoryBackend, region: RegionId, byteLength: number): Promise<Place> {
    // Before the first byte goes in: from then on nobody can tell what only a touch brought about.
    await this.#observer.ask('remember');
    const marker = new Marker();
    marker.lend((bytes) => backend.write(region, 0, bytes));
    const found = await this.#observer.ask<number | null>('locate', { marker, byteLength });
    // Written, not wiped: wiping is itself under test.
    backend.write(region, 0, scratch(marker.byteLength));
    const start = found ?? (await this.#locateHidden(backend, region, byteLength));
    const untouched = await this.#observer.ask<ObservedFacts>('rememberedFacts', {
      start,
      byteLength,
    });
    return { byteLength, handle: start, untouched };
  }

  facts({ handle, byteLength }: Place): Promise<ObservedFacts> {
    return this.#observer.ask('facts', { start: handle, byteLength });
  }

  async content(
    { handle }: Place,
    byteOffset: number,
    byteLength: number,
  ): Promise<Uint8Array | 'unreadable'> {
    const request = { address: Number(handle) + byteOffset, byteLength };
    const found = await this.#observer.ask<string | null>('content', request);
    return found === null ? 'unreadable' : Buffer.from(found, 'hex');
  }

  copies(marker: Marker): Promise<number> {
    return this.#observer.ask('copies', { marker });
  }

  async isInside({ handle, byteLength }: Place, value: number): Promise<boolean> {
    const start = Number(handle);
    return start - NEARBY_BYTE_LENGTH <= value && value < start + byteLength + NEARBY_BYTE_LENGTH;
  }

  async touch(touch: Touch): Promise<'dies' | 'survives'> {
    const end = await this.#child('touch', { ...touch, marker: new Marker() });
    if (end.result === 'survived') return 'survives';
    if (end.ready && DEADLY.includes(end.signal)) return 'dies';
    throw new Unmet(`the child ${endOf(end)} ${end.ready ? 'at' : 'before'} the touch`);
  }

  coreHolds(): Promise<boolean> {
    return coreFileHolds(this.#module, this.#timeLimitMs);
  }

  async forkedView(): Promise<readonly ForkBehaviour[]> {
    return this.#answer('fork', { marker: new Marker() });
  }

  async tamper(): Promise<TamperAnswers> {
    return this.#answer('tamper', { marker: new Marker() });
  }

  async opening(): Promise<readonly string[]> {
    return this.#answer('opening', {});
  }

  async terminateThread(): Promise<{ readonly during: number; readonly after: number }> {
    return this.#answer('terminate', { marker: new Marker() });
  }

  async takeVariable(): Promise<VariableFound> {
    const marker = new TextMarker();
    const parameters = { marker, name: VARIABLE };
    const environment = {
      [VARIABLE]: marker.text(),
      [`${VARIABLE}_2`]: 'kept',
      [`THE_${VARIABLE}`]: 'kept',
    };
    const options = { timeLimitMs: this.#timeLimitMs, environment };
    const end = await runChild(this.#module, 'variable', parameters, options);
    expect(end.signal === null, `the process that took a variable ${endOf(end)}`);
    return end.result as VariableFound;
  }

  /** The same question is put to a child once, however many requirements judge the answer. */
  async task<Result>(name: string, task: object, confinement?: Confinement): Promise<Result> {
    const question = JSON.stringify([name, task, confinement]);
    const answer = this.#answers.get(question) ?? this.#ask(name, task, confinement);
    this.#answers.set(question, answer);
    return (await answer) as Result;
  }

  async close(): Promise<void> {
    this.#answers.clear();
    await this.#observer.close();
  }

  async #ask(name: string, task: object, confinement?: Confinement): Promise<unknown> {
    const parameters = {
      name,
      task,
      marker: new Marker(),
      ...(confinement === undefined ? {} : { confinedTo: confinement.softByteLength }),
    };
    const launcher = [...(confinement === undefined ? [] : confine(confinement)), ...QUIET_ENGINE];
    const end = await this.#child('task', parameters, launcher);
    expect(end.signal === null, `the process that ran the task ${name} ${endOf(end)}`);
    return end.result;
  }

  #child(scene: string, parameters: object, launcher: readonly string[] = []) {
    const options = { launcher, timeLimitMs: this.#timeLimitMs };
    return runChild(this.#module, scene, parameters, options);
  }

  /** What a child says, if it lives to say it. */
  async #answer<Result>(scene: string, parameters: object): Promise<Result> {
    const end = await this.#child(scene, parameters);
    expect(end.signal === null, `the process that ran the scene ${scene} ${endOf(end)}`);
    return end.result as Result;
  }

  /** Memory that the kernel cannot read is found by its name, its size, and by which one answers to `protect`. */
  async #locateHidden(
    backend: MemoryBackend,
    region: RegionId,
    byteLength: number,
  ): Promise<number> {
    const { kernelHidden } = backend.capabilities;
    expect(kernelHidden, 'what was written into a region is nowhere in the memory of this process');
    const before = await this.#observer.ask<Hidden[]>('hidden', { byteLength });
    const [only] = before;
    if (only !== undefined && before.length === 1) return only.start;
    if (before.length === 0 || backend.capabilities.protection === 'none') {
      throw new NotProven('the region cannot be found in the memory of this process');
    }
    backend.protect(region, 'read-only');
    const after = await this.#observer.ask<Hidden[]>('hidden', { byteLength });
    backend.protect(region, 'read-write');
    const changed = after.filter(({ start, access }) =>
      before.some((old) => old.start === start && old.access !== access),
    );
    const [found] = changed;
    if (found === undefined || changed.length !== 1) {
      throw new NotProven('the region cannot be told from others in the memory of this process');
    }
    return found.start;
  }
}
