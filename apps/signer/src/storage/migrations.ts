import { GENESIS } from './audit-chain.js';

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
  // Keys under more than one master key, and the audit log, whose records nobody changes or takes out.
  `CREATE TABLE master_keys (
     generation INTEGER PRIMARY KEY CHECK (generation > 0),
     check_envelope BLOB NOT NULL CHECK (length(check_envelope) = 60),
     created_at TEXT NOT NULL
   ) STRICT;
   INSERT INTO master_keys SELECT 1, check_envelope, created_at FROM vault;
   DROP TABLE vault;
   ALTER TABLE keys ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
   CREATE INDEX keys_by_generation ON keys (generation);
   CREATE TABLE audit (
     seq INTEGER PRIMARY KEY CHECK (seq > 0),
     request_id TEXT NOT NULL,
     at TEXT NOT NULL,
     action TEXT NOT NULL,
     address TEXT NOT NULL,
     digest TEXT NOT NULL,
     who TEXT NOT NULL,
     hash TEXT NOT NULL CHECK (length(hash) = 64)
   ) STRICT;
   CREATE TABLE audit_head (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     seq INTEGER NOT NULL,
     hash TEXT NOT NULL CHECK (length(hash) = 64)
   ) STRICT;
   INSERT INTO audit_head VALUES (1, 0, '${GENESIS.hash}');
   CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log only grows'); END;
   CREATE TRIGGER audit_grows BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log only grows'); END;
   CREATE TABLE probe (id INTEGER PRIMARY KEY, filling BLOB NOT NULL) STRICT;`,
];
