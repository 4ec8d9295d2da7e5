import { throwIfAborted } from '../common/abort-signal.js';
import { inSlices, Slice } from '../common/slice.js';
import { SecureMemoryError } from '../contract/errors.js';
import type { Ownership } from '../lifetime/ownership.js';
import { requestOf } from '../lifetime/request.js';
import { isThenable } from '../places/access.js';
import type { RequestOptions } from '../requests/granter.js';
import { isSecret, type Secret } from '../secret/secret.js';
import { checkSource, type Intake } from './intake.js';
import type { LoadOptions, LoadSource } from './store-options.js';

/** What a load does to the store. */
export interface LoadTarget {
  readonly owner: Ownership;
  assertOpen(): void;
  readonly intake: Intake;
  checkName(name: string): string;
  discard(id: number): void;
  /** Makes every entry visible, in one step, and tidies up in the turns to come. `staged` is the target's from then on. */
  commit(staged: Map<string, number>): Promise<void> | undefined;
}

/** Entries between two reports of progress. */
const ENTRIES_PER_REPORT = 1_024;

/** See `SecretStore.load`. `options` have no prototype. */
export async function loadInto(
  target: LoadTarget,
  source: LoadSource,
  options: LoadOptions,
): Promise<number> {
  if (!isIterable(source)) throw new TypeError('source must be an iterable of entries');
  const load = new Load(target, options);
  try {
    if (Symbol.asyncIterator in source) {
      for await (const entry of source) {
        const pause = load.add(checkEntry(entry));
        if (pause !== undefined) await pause;
      }
    } else {
      // `for await` would make three promises for each entry here too.
      for (const given of source) {
        const entry = isThenable(given) ? await given : given;
        const pause = load.add(checkEntry(entry));
        if (pause !== undefined) await pause;
      }
    }
    return await load.commit();
  } catch (error) {
    await load.undo();
    throw error;
  } finally {
    load.end();
  }
}

function checkEntry(entry: unknown): readonly [string, Uint8Array | Secret] {
  if (!Array.isArray(entry)) throw new TypeError('an entry must be an array: [name, secret]');
  return entry as unknown as readonly [string, Uint8Array | Secret];
}

function isIterable(source: unknown): boolean {
  if (typeof source !== 'object' || source === null) return false;
  return Symbol.asyncIterator in source || Symbol.iterator in source;
}

class Load {
  readonly #target: LoadTarget;
  readonly #options: LoadOptions;
  readonly #request: RequestOptions;
  readonly #staged = new Map<string, number>();
  /** The slot that bytes of one length go through, kept for the next of that length. */
  #scratch: Secret | undefined;
  #entries = 0;
  #byteLength = 0;
  readonly #purgesAtStart: number;
  readonly #slice = new Slice();

  constructor(target: LoadTarget, options: LoadOptions) {
    this.#target = target;
    this.#options = options;
    this.#purgesAtStart = this.#purges;
    this.#request = requestOf(options);
    throwIfAborted(options.signal);
    target.assertOpen();
  }

  /** Seals one source; a promise when that has to wait for a slot, or when it is time to let others work. */
  add(entry: readonly [string, Uint8Array | Secret]): Promise<unknown> | undefined {
    const name = this.#target.checkName(entry[0]);
    const source = entry[1];
    this.#target.assertOpen();
    if (isSecret(source)) {
      const { byteLength } = source;
      this.#stage(name, this.#target.intake.takeSecret(name, source), byteLength);
    } else {
      checkSource(source);
      if (this.#scratch?.byteLength !== source.length) return this.#addThroughNew(name, source);
      const id = this.#target.intake.takeBytes(name, this.#scratch, source);
      this.#stage(name, id, source.length);
    }
    const reports = this.#entries % ENTRIES_PER_REPORT === 0;
    return reports || this.#slice.isOver ? this.#pause(reports) : undefined;
  }

  /**
   * The working slot is released first: nothing fails any more once the entries are there. Whoever is told of the progress or
   * of the release may have ended the store, so that is looked at last.
   */
  async commit(): Promise<number> {
    this.#options.onProgress?.({ entries: this.#entries, byteLength: this.#byteLength });
    this.#release();
    this.#target.assertOpen();
    throwIfAborted(this.#options.signal);
    this.#assertNotPurged();
    const { size } = this.#staged;
    const landing = this.#target.commit(this.#staged);
    if (landing !== undefined) await landing;
    return size;
  }

  /** What failed goes before what releasing the working slot throws, which is published. */
  async undo(): Promise<void> {
    const byteLength = this.#scratch?.byteLength ?? 0;
    try {
      this.#release();
    } catch (error) {
      this.#target.owner.places.telemetry.emit('release-failed', { byteLength, error });
    }
    const rest = inSlices(this.#staged.values(), (id) => this.#target.discard(id));
    if (rest !== undefined) await rest;
  }

  end(): void {
    this.#slice.end();
  }

  #release(): void {
    const scratch = this.#scratch;
    this.#scratch = undefined;
    scratch?.dispose();
  }

  /** Takes a slot for sources of another length. */
  async #addThroughNew(name: string, bytes: Uint8Array): Promise<void> {
    this.#release();
    const { owner } = this.#target;
    this.#scratch = await owner.allocate(bytes.length, this.#request);
    await this.add([name, bytes]);
  }

  #stage(name: string, id: number, byteLength: number): void {
    const before = this.#staged.get(name);
    this.#staged.set(name, id);
    if (before !== undefined) this.#target.discard(before);
    this.#entries++;
    this.#byteLength += byteLength;
  }

  async #pause(reports: boolean): Promise<void> {
    if (reports) {
      this.#options.onProgress?.({ entries: this.#entries, byteLength: this.#byteLength });
    }
    await this.#slice.next();
    throwIfAborted(this.#options.signal);
    this.#assertNotPurged();
  }

  get #purges(): number {
    return this.#target.owner.places.telemetry.counts.purge;
  }

  #assertNotPurged(): void {
    if (this.#purges === this.#purgesAtStart) return;
    throw new SecureMemoryError(
      'ERR_SECMEM_UNSEAL_FAILED',
      'everything was purged while it loaded: the key of what was sealed before is gone',
      { operation: 'load' },
    );
  }
}
