import type {
  AuditAction,
  AuditRecord,
  KeyEntry,
  KeyOrigin,
  KeyRow,
  MasterKeyRow,
} from './store.js';

/** A row as both databases give it: their columns have the same names. Big integers may come as text. */
export type RowColumns = Readonly<Record<string, unknown>>;

export function entryOf(row: RowColumns): KeyEntry {
  return {
    address: text(row, 'address'),
    origin: text(row, 'origin') as KeyOrigin,
    createdAt: text(row, 'created_at'),
  };
}

export function rowOf(row: RowColumns): KeyRow {
  return {
    ...entryOf(row),
    generation: Number(row['generation']),
    wrappedKey: bytes(row, 'wrapped_key'),
    envelope: bytes(row, 'envelope'),
  };
}

export function masterKeyOf(row: RowColumns): MasterKeyRow {
  return {
    generation: Number(row['generation']),
    check: bytes(row, 'check_envelope'),
    createdAt: text(row, 'created_at'),
  };
}

export function recordOf(row: RowColumns): AuditRecord {
  return {
    seq: Number(row['seq']),
    requestId: text(row, 'request_id'),
    at: text(row, 'at'),
    action: text(row, 'action') as AuditAction,
    address: text(row, 'address'),
    digest: text(row, 'digest'),
    who: text(row, 'who'),
    hash: text(row, 'hash'),
  };
}

/** SQLite's library gives a bare buffer where it gives several rows. */
function bytes(row: RowColumns, column: string): Uint8Array {
  const value = row[column];
  return value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
}

function text(row: RowColumns, column: string): string {
  return String(row[column]);
}
