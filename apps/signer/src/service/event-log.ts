export type Severity = 'info' | 'warn' | 'error';

/** Something that happened, for the log, the dashboard and tests. Holds figures and names; never bytes of a secret. */
export interface LogEntry {
  readonly id: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly kind: string;
  readonly text: string;
  readonly severity: Severity;
}

const ENTRIES_MAX = 200;

/** The last events, and everybody who wants to hear of the next ones. */
export class EventLog {
  readonly #entries: LogEntry[] = [];
  readonly #listeners = new Set<(entry: LogEntry) => void>();
  #lastId = 0;

  add(kind: string, text: string, severity: Severity = 'info'): void {
    const entry = { id: ++this.#lastId, at: new Date().toISOString(), kind, text, severity };
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  /** The remembered entries after `id`, oldest first. */
  after(id: number): readonly LogEntry[] {
    return this.#entries.filter((entry) => entry.id > id);
  }

  /** Calls `listener` with every new entry until the returned function is called. */
  listen(listener: (entry: LogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
