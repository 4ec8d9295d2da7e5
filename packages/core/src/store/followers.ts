import { reasonOf } from '../common/abort-signal.js';
import { within } from '../common/within.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { IngestOptions } from '../ingest/from-file.js';
import type { Ownership } from '../lifetime/ownership.js';
import type { RequestOptions } from '../requests/granter.js';
import { type FollowedFile, Follower, type Following } from './follower.js';
import type { Intake } from './intake.js';
import type { StoreIndex } from './store-index.js';

/** The files that a store follows, one for a name at most. */
export class Followers {
  readonly #owner: Ownership;
  readonly #intake: Intake;
  readonly #index: StoreIndex;
  readonly #byName = new Map<string, Follower>();

  constructor(owner: Ownership, intake: Intake, index: StoreIndex) {
    this.#owner = owner;
    this.#intake = intake;
    this.#index = index;
  }

  /** Takes what the file holds, and follows it from then on. Rejects, and nothing has changed, where that fails. */
  async follow(name: string, path: FollowedFile, given: IngestOptions): Promise<Following> {
    const { signal, ...options } = given;
    const home = {
      owner: this.#owner,
      intake: this.#intake,
      index: this.#index,
      onStop: (stopped: Follower) => {
        if (this.#byName.get(name) === stopped) this.#byName.delete(name);
      },
    };
    const follower = new Follower(home, name, path, options);
    await follower.start(signal);
    this.#byName.get(name)?.stop();
    this.#byName.set(name, follower);
    return follower;
  }

  /** Settles when the entries of these names are as new as their files are now; undefined where none is followed. */
  refresh(names: readonly string[], request: RequestOptions): Promise<void> | undefined {
    if (this.#byName.size === 0) return undefined;
    const followers = names.flatMap((name) => this.#byName.get(name) ?? []);
    if (followers.length === 0) return undefined;
    const { signal } = request;
    if (signal?.aborted) return Promise.reject(reasonOf(signal));
    const all = async (): Promise<void> => {
      await Promise.all(followers.map((follower) => follower.refresh()));
    };
    const waitMsMax = request.waitMsMax ?? this.#owner.places.options.waitMsMax;
    return within(all, { waitMsMax, signal, timedOut: () => tooSlow(waitMsMax) });
  }

  /** The same for whoever cannot wait: the change is there for a later use. */
  glance(name: string): void {
    void this.#byName.get(name)?.refresh();
  }

  stopAll(): void {
    for (const follower of this.#byName.values()) follower.stop();
  }
}

function tooSlow(waitedMs: number): SecureMemoryError {
  const remedy = 'follow files of a quicker file system, or wait longer (waitMsMax)';
  return new SecureMemoryError(
    'ERR_SECMEM_WAIT_TIMEOUT',
    `the file that the secret is read from did not answer within ${waitedMs} ms; ${remedy}`,
    { operation: 'use', details: { limit: 'wait', waitedMs, remedy } },
  );
}
