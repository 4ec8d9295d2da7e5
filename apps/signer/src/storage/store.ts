export type KeyOrigin = 'created' | 'imported';

/** What is told about a key: nothing that opens it. */
export interface KeyEntry {
  readonly address: string;
  readonly origin: KeyOrigin;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** A key as it is stored: the private key under a key of its own, and that one under a master key. */
export interface KeyRow extends KeyEntry {
  /** Which master key: they are counted from 1. */
  readonly generation: number;
  readonly wrappedKey: Uint8Array;
  readonly envelope: Uint8Array;
}

/** A master key that keys are under: an envelope that opens under it and under no other. */
export interface MasterKeyRow {
  readonly generation: number;
  readonly check: Uint8Array;
  readonly createdAt: string;
}

export type AuditAction = 'create' | 'import' | 'sign-message' | 'sign-transaction' | 'rotate';

/** What was done with a key, by whom. Nothing in it is secret. */
export interface AuditEntry {
  /** The request that caused it; a request of several signatures has several entries. */
  readonly requestId: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly action: AuditAction;
  readonly address: string;
  /** What was signed, 32 bytes in hexadecimal; empty where nothing was. */
  readonly digest: string;
  readonly who: string;
}

/** An entry in its place: its number, counted from 1, and a hash over itself and all that came before. */
export interface AuditRecord extends AuditEntry {
  readonly seq: number;
  readonly hash: string;
}

/** A key under another master key than before. */
export interface Rewrapped {
  readonly address: string;
  readonly wrappedKey: Uint8Array;
}

/**
 * Where keys and the audit log are. Every method rejects with StorageError, and has changed nothing then. What a method
 * has resolved for is on the disk, in the file that the next start will open.
 */
export interface Store {
  readonly kind: 'sqlite' | 'postgresql';

  /** The master keys in use, the newest first: one, or two while keys are moved from one to the other. */
  masterKeys(): Promise<readonly MasterKeyRow[]>;
  /** Adds the first master key, or the next one. `STORAGE_DUPLICATE` when `generation` is there already. */
  addMasterKey(row: MasterKeyRow): Promise<void>;
  /** Forgets the master keys before `generation`. `STORAGE_ROTATED` while a key is under one of them. */
  retireMasterKeysBefore(generation: number): Promise<void>;

  /**
   * Stores a key and says so in the audit log, both or neither. `STORAGE_DUPLICATE` when the address is there already,
   * `STORAGE_ROTATED` when its master key is not the newest.
   */
  insertKey(row: KeyRow, entry: AuditEntry): Promise<void>;
  findKey(address: string): Promise<KeyRow | undefined>;
  /** In the order of addresses, those after `after`, at most `limit`. */
  listKeys(after: string, limit: number): Promise<readonly KeyEntry[]>;
  /** Whole rows in the order of addresses, those after `after`, at most `limit`. */
  keysAfter(after: string, limit: number): Promise<readonly KeyRow[]>;
  /** Puts keys under `generation`, all or none. */
  rewrap(rows: readonly Rewrapped[], generation: number): Promise<void>;

  /** Adds to the audit log, all or none, in this order. */
  appendAudit(entries: readonly AuditEntry[]): Promise<void>;
  /** Records after number `seq`, at most `limit`. */
  auditAfter(seq: number, limit: number): Promise<readonly AuditRecord[]>;
  /** The end of the chain as it was written down beside it; number 0 while there is no record. */
  auditHead(): Promise<{ readonly seq: number; readonly hash: string }>;

  /** Resolves when a write would be acknowledged now. */
  check(): Promise<void>;
  close(): Promise<void>;
}
