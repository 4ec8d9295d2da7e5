/**
 * Each entry brings a database from the version of its index to the next; `user_version` remembers how far it came. An
 * entry is never changed once released: what is wrong with it is mended by the next one.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE vault (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     check_envelope BLOB NOT NULL CHECK (length(check_envelope) = 60),
     created_at TEXT NOT NULL
   ) STRICT;
   CREATE TABLE keys (
     address TEXT PRIMARY KEY CHECK (length(address) = 42),
     wrapped_key BLOB NOT NULL CHECK (length(wrapped_key) = 60),
     envelope BLOB NOT NULL CHECK (length(envelope) = 1024),
     origin TEXT NOT NULL CHECK (origin IN ('created', 'imported')),
     created_at TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;`,
];
