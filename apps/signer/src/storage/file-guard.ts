import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { StorageError } from './storage-error.js';

/** The first bytes of every SQLite 3 file, the zero at its end included. */
const MAGIC = Buffer.from('SQLite format 3\0', 'latin1');

/** The database, and its log and the index of that, which SQLite keeps beside it as long as it is open. */
const ENDINGS = ['', '-wal', '-shm'] as const;
/** The index lies in memory that several processes share: it changes its times whenever it likes. */
const INDEX_AT = ENDINGS.indexOf('-shm');

interface Seen {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/**
 * Knows whether the files that SQLite has open are still the ones that the next start will find. A commit to a file that
 * was deleted or replaced succeeds, and so does one to a file whose bytes somebody overwrote, out of SQLite's own cache:
 * whoever acknowledges it promises what is gone.
 *
 * It holds a descriptor of its own from before SQLite opens the file until after SQLite closed it. To open and close
 * one in between would drop every lock that SQLite holds, since POSIX locks belong to the process.
 */
export class FileGuard {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #verify: () => void;
  #seen: readonly Seen[] = [];

  /** Makes the file, for its owner only, when it is not there. `verify` reads everything anew, or throws. */
  constructor(path: string, verify: () => void) {
    this.#path = path;
    this.#verify = verify;
    this.#descriptor = openSync(path, 'a+', 0o600);
  }

  /**
   * What is in the files now is ours: called after opening, and after each commit. Throws `STORAGE_LOST` when it went
   * into a file that the next start will not find.
   */
  remember(): void {
    const now = this.#look();
    if (this.#seen.length > 0) this.#requireSame(now);
    this.#seen = now;
  }

  /**
   * Throws `STORAGE_LOST` when a file is gone or another one, or when somebody else wrote to it and it does not hold
   * what was acknowledged any more. Three calls of the system where nothing happened.
   */
  check(): void {
    const now = this.#look();
    this.#requireSame(now);
    if (now.every((file, at) => at === INDEX_AT || unchanged(file, this.#seen[at]))) return;
    this.#requireMagic();
    try {
      this.#verify();
    } catch (error) {
      throw lost('somebody else wrote to it', error);
    }
    this.#seen = now;
  }

  /** Not before SQLite has closed the file. */
  close(): void {
    closeSync(this.#descriptor);
  }

  #requireSame(now: readonly Seen[]): void {
    if (now.some((file, at) => !same(file, this.#seen[at])))
      throw lost('another one is in its place');
  }

  /** In the order of ENDINGS. */
  #look(): readonly Seen[] {
    try {
      const open = fstatSync(this.#descriptor, { bigint: true });
      if (open.nlink === 0n) throw lost('it was deleted');
      const [main, ...others] = ENDINGS.map((end) =>
        statSync(`${this.#path}${end}`, { bigint: true }),
      );
      if (main === undefined || !same(main, open)) throw lost('another one is in its place');
      return [main, ...others];
    } catch (error) {
      if (error instanceof StorageError) throw error;
      throw lost('it was deleted or cannot be reached', error);
    }
  }

  #requireMagic(): void {
    const head = Buffer.alloc(MAGIC.length);
    readSync(this.#descriptor, head, 0, head.length, 0);
    if (!head.equals(MAGIC)) throw lost('it was overwritten');
  }
}

function same(now: Seen, before: Seen | undefined): boolean {
  return now.dev === before?.dev && now.ino === before.ino;
}

function unchanged(now: Seen, before: Seen | undefined): boolean {
  return (
    now.size === before?.size && now.mtimeNs === before.mtimeNs && now.ctimeNs === before.ctimeNs
  );
}

function lost(what: string, cause?: unknown): StorageError {
  const detail = `the database file is not the one that was opened: ${what}`;
  return new StorageError('STORAGE_LOST', detail, cause);
}
