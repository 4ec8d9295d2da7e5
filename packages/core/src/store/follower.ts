import type { URL } from 'node:url';
import { isSecureMemoryError } from '../contract/errors.js';
import { fromFile, type IngestOptions } from '../ingest/from-file.js';
import { inputInvalid } from '../lifetime/input-invalid.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { Secret } from '../secret/secret.js';
import { type FileVersion, versionOf } from './file-version.js';
import type { Intake } from './intake.js';
import type { StoreIndex } from './store-index.js';

/** A file that a store follows, until this is stopped or disposed. */
export interface Following extends Disposable {
  /** Whether it still follows: false once it was stopped, or something else was done to the name. */
  readonly active: boolean;
  /** Stops; the entry stays with the value that it has. Idempotent. */
  stop(): void;
}

/** What a follower needs of its store. */
export interface FollowerHome {
  readonly owner: Ownership;
  readonly intake: Intake;
  readonly index: StoreIndex;
  onStop(follower: Follower): void;
}

/** A path, as Node takes it. */
export type FollowedFile = string | URL | Buffer;

/** How often a file is read again that changed while it was read. */
const ATTEMPTS_MAX = 3;

/**
 * Keeps the entry of one name equal to a file. Whoever is about to use the secret looks at the file once; a change is read by
 * one of them, and the others wait for that. What cannot be read or taken changes nothing: the old value stays, and an event
 * says why, once for each reason.
 */
export class Follower implements Following {
  readonly name: string;
  readonly #home: FollowerHome;
  readonly #path: FollowedFile;
  readonly #options: IngestOptions;
  /** The entry that it made last. Another one under the name is not its own. */
  #entry: number | undefined;
  #version: FileVersion | undefined;
  #reading: Promise<void> | undefined;
  /** How many readings have begun, and how many have ended: one at a time. */
  #begun = 0;
  #done = 0;
  /** What failed last, so that it is told once. */
  #failure: string | undefined;
  /** What the file looked like whose content was refused: to read it again would change nothing. */
  #refused: string | undefined;
  #active = true;

  constructor(home: FollowerHome, name: string, path: FollowedFile, options: IngestOptions) {
    this.#home = home;
    this.name = name;
    this.#path = path;
    this.#options = options;
  }

  get active(): boolean {
    return this.#active;
  }

  stop(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#home.onStop(this);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** The first reading, whose failure is the caller's. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    const { secret, version } = await this.#readWhole({
      ...this.#options,
      ...(signal && { signal }),
    });
    this.#take(secret, version);
  }

  /**
   * Looks at the file, and where it has changed takes what it holds now. Never rejects. The value is as new as the file was
   * when this was called, or newer, unless it could not be had.
   */
  async refresh(): Promise<void> {
    const before = this.#begun;
    // A reading that had begun before may have read what the file held before.
    while (this.#isOwner() && this.#done <= before) {
      const now = await this.#look();
      if (now === undefined || this.#isKnown(now) || this.#done > before) return;
      this.#reading ??= this.#read();
      await this.#reading;
    }
  }

  async #look(): Promise<FileVersion | undefined> {
    try {
      return await versionOf(this.#path);
    } catch (error) {
      this.#fail(error, undefined);
      return undefined;
    }
  }

  #isKnown({ id }: FileVersion): boolean {
    if (id === this.#refused) return true;
    if (id !== this.#version?.id || !this.#version.settled) return false;
    this.#failure = undefined;
    return true;
  }

  async #read(): Promise<void> {
    this.#begun++;
    let seen: string | undefined;
    try {
      const { secret, version } = await this.#readWhole(this.#options, (id) => {
        seen = id;
      });
      if (this.#isOwner()) this.#take(secret, version);
      else secret.dispose();
    } catch (error) {
      this.#fail(error, seen);
    } finally {
      this.#done++;
      this.#reading = undefined;
    }
  }

  /** What the file holds, when it was the same before and after it was read. */
  async #readWhole(
    options: IngestOptions,
    onVersion: (id: string) => void = () => {},
  ): Promise<{ secret: Secret; version: FileVersion }> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const version = await versionOf(this.#path);
      onVersion(version.id);
      const secret = await fromFile(this.#home.owner, this.#path, options, 'follow');
      let after: FileVersion;
      try {
        after = await versionOf(this.#path);
      } catch (error) {
        secret.dispose();
        throw error;
      }
      if (after.id === version.id) return { secret, version };
      secret.dispose();
    }
    throw inputInvalid('follow', 'the file changed each time it was read', 'changed');
  }

  /** One step: nobody sees the name without an entry, or comes between the look at the entry and its change. */
  #take(secret: Secret, version: FileVersion): void {
    const { owner, intake, index } = this.#home;
    try {
      owner.places.telemetry.outbox.during(() => {
        const entry = intake.takeSecret(this.name, secret);
        index.set(this.name, entry, undefined);
        this.#entry = entry;
        this.#version = version;
        this.#failure = undefined;
        this.#refused = undefined;
      });
    } catch (error) {
      secret.dispose();
      throw error;
    }
  }

  /** Stops where somebody else has set or deleted the name. */
  #isOwner(): boolean {
    if (this.#active && this.#home.index.idOf(this.name) !== this.#entry) this.stop();
    return this.#active;
  }

  #fail(error: unknown, seen: string | undefined): void {
    const { code, details } = error as { code?: string; details?: { reason?: string } };
    const reason = details?.reason;
    const changing = reason === 'changed';
    if (isSecureMemoryError(error, 'ERR_SECMEM_INPUT_INVALID') && !changing) this.#refused = seen;
    const failure = [code, reason, seen].join(' ');
    if (!this.#active || failure === this.#failure) return;
    this.#failure = failure;
    this.#home.owner.places.telemetry.emit('follow-failed', { name: this.name, error });
  }
}
