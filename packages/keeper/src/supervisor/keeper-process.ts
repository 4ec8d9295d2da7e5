import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Duplex, Readable } from 'node:stream';
import { type CrashObservation, ownProperties } from '@securemem/core';
import type { CompleteOptions } from '../complete-options.js';
import { childEntry } from './child-entry.js';
import { afterHeard } from './deadline.js';
import type { HeardClock } from './heard-clock.js';
import { memoryKilledSince, memoryKills } from './memory-kills.js';
import { endGroup } from './process-group.js';
import { runtimeArguments } from './runtime-arguments.js';
import { StderrTail } from './stderr-tail.js';

/** How long the pipes may stay open after the exit, in the hands of a grandchild, before we stop listening. */
const DRAIN_MS_MAX = 250;

/** How long a keeper may live on after it closed its channel. Death closes it a few milliseconds before the exit shows. */
const SILENT_MS_MAX = 1_000;

/** How a process ended, as far as its supervisor can know. */
export interface ProcessEnding {
  readonly code: number | null;
  readonly signal: string | null;
  readonly observation: CrashObservation;
  readonly stderrTail: string;
  readonly ageMs: number;
  /** The error of the system where the process could not be started. */
  readonly startError: Error | undefined;
}

export interface ProcessListener {
  onData(bytes: Uint8Array): void;
  /** Exactly once, whatever happened, after the last `onData`. */
  onEnd(ending: ProcessEnding): void;
}

/** What a life needs of its process; the fuzzer of the channel has one that is none. */
export interface LivingProcess {
  /**
   * Starts it. Node tells others of that in the middle of it (the channel `child_process`, hooks), and they may end the
   * process before it is there: so it can be ended from before this on.
   */
  begin(listener: ProcessListener): void;
  /** Absent where it never started. */
  readonly channel: Duplex | undefined;
  readonly pid: number;
  kill(signal: NodeJS.Signals, observation: CrashObservation): void;
  observe(observation: CrashObservation): void;
}

export type MakeProcess = (options: CompleteOptions, clock: HeardClock) => LivingProcess;

export const makeProcess: MakeProcess = (options, clock) => new KeeperProcess(options, clock);

/**
 * One keeper process from spawn to end. EPIPE, ECONNRESET, an early end of the channel, a failed spawn and the exit
 * itself arrive in any order; out of here comes one ending.
 */
class KeeperProcess implements LivingProcess {
  channel: Duplex | undefined;
  readonly #options: CompleteOptions;
  readonly #clock: HeardClock;
  #child: ChildProcess | undefined;
  #listener: ProcessListener | undefined;
  readonly #stderr = new StderrTail();
  readonly #startedAtMs = performance.now();
  readonly #memoryKillsBefore = memoryKills();
  #observation: CrashObservation = 'ended';
  #exit: { code: number | null; signal: string | null } | undefined;
  #startError: Error | undefined;
  #stopTimer: (() => void) | undefined;
  #ended = false;
  /** The signal that was sent before there was a process to send it to. */
  #signalAtStart: NodeJS.Signals | undefined;

  constructor(options: CompleteOptions, clock: HeardClock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Never throws: what the system refuses becomes an ending. */
  begin(listener: ProcessListener): void {
    this.#listener = listener;
    try {
      this.#child = start(this.#options);
    } catch (error) {
      this.#failStart(error as Error);
      return;
    }
    this.#watch(this.#child);
    // Without a free descriptor there is a child without pipes, and its error follows.
    this.channel = (this.#child.stdio as ChildProcess['stdio'] | undefined)?.[3] as
      | Duplex
      | undefined;
    if (this.channel !== undefined) this.#watchPipes(this.#child, this.channel);
    if (this.#signalAtStart !== undefined) this.#child.kill(this.#signalAtStart);
  }

  /** The process id; 0 where it never started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Sends a signal and remembers why; the first reason stays. Nothing happens to a process that has ended, since its id
   * may belong to somebody else by now.
   */
  kill(signal: NodeJS.Signals, observation: CrashObservation): void {
    if (this.#ended || this.#exit !== undefined) return;
    this.observe(observation);
    if (this.#child === undefined) this.#signalAtStart = signal;
    else this.#child.kill(signal);
  }

  /** Remembers why the end is coming; the first reason stays. */
  observe(observation: CrashObservation): void {
    if (this.#observation === 'ended') this.#observation = observation;
  }

  /** The very first thing after the start: an error that nobody listens to would end the host. */
  #watch(child: ChildProcess): void {
    child.on('error', (error) => {
      // The same event reports a signal that could not be sent; only without a process is it a failed start.
      if (child.pid === undefined) this.#failStart(error);
    });
    child.on('exit', (code, signal) => {
      this.#exit = { code, signal };
      if (child.pid !== undefined) endGroup(child.pid);
      this.#startTimer(DRAIN_MS_MAX, () => this.#finish());
    });
    child.on('close', () => this.#finish());
  }

  #watchPipes(child: ChildProcess, channel: Duplex): void {
    child.stderr?.on('data', (piece: Uint8Array) => this.#stderr.add(piece));
    child.stderr?.on('error', ignore);
    const hostPipe = child.stdio[4] as Readable | undefined;
    hostPipe?.on('error', ignore);
    // Nobody writes there; whoever does is no honest keeper, and is not read for ever.
    hostPipe?.on('data', () => this.kill('SIGKILL', 'protocol-error'));
    channel.on('data', (bytes: Uint8Array) => {
      if (!this.#ended) this.#listener?.onData(bytes);
    });
    channel.on('error', () => this.#onChannelGone());
    channel.on('close', () => this.#onChannelGone());
  }

  /** Usually the first sign of a death. If no exit follows, the keeper has shut its ears and must not live on. */
  #onChannelGone(): void {
    if (this.#ended || this.#exit !== undefined || this.#stopTimer !== undefined) return;
    this.#startTimer(SILENT_MS_MAX, () => this.kill('SIGKILL', 'protocol-error'));
  }

  #failStart(error: Error): void {
    this.#startError = error;
    this.observe('spawn-failed');
    process.nextTick(() => this.#finish());
  }

  #startTimer(ms: number, then: () => void): void {
    this.#stopTimer?.();
    this.#stopTimer = afterHeard(this.#clock, ms, then);
  }

  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopTimer?.();
    for (const stream of this.#child?.stdio ?? []) stream?.destroy();
    if (this.#exit?.signal === 'SIGKILL' && memoryKilledSince(this.#memoryKillsBefore)) {
      this.observe('memory-killed');
    }
    this.#listener?.onEnd({
      code: this.#exit?.code ?? null,
      signal: this.#exit?.signal ?? null,
      observation: this.#observation,
      stderrTail: this.#stderr.toString(),
      ageMs: Math.round(performance.now() - this.#startedAtMs),
      startError: this.#startError,
    });
  }
}

/** What we leave to the runtime. It is named, since the runtime looks for it on the prototype where it is not. */
const NOT_CHOSEN = {
  cwd: undefined,
  argv0: undefined,
  uid: undefined,
  gid: undefined,
  signal: undefined,
  timeout: undefined,
  killSignal: undefined,
  serialization: undefined,
  windowsVerbatimArguments: undefined,
};

function start(options: CompleteOptions): ChildProcess {
  const spawnOptions: SpawnOptions = {
    ...NOT_CHOSEN,
    // 3 is the channel. 4 carries nothing: its end tells a thread of the keeper that the host is gone.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', ...options.descriptors],
    env: options.env,
    shell: false,
    windowsHide: true,
    // A terminal's Ctrl-C is for the host, which closes its keeper in its own order.
    detached: process.platform !== 'win32',
  };
  const programArguments = [...runtimeArguments(options), childEntry()];
  return spawn(options.execPath, programArguments, ownProperties(spawnOptions, 'options'));
}

function ignore(): void {}
