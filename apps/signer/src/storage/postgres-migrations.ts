import { GENESIS } from './audit-chain.js';

/** As `MIGRATIONS`, for PostgreSQL. The table `schema_version` remembers how far a database came. */
export const POSTGRES_MIGRATIONS: readonly string[] = [
  `CREATE TABLE master_keys (
     generation integer PRIMARY KEY CHECK (generation > 0),
     check_envelope bytea NOT NULL CHECK (length(check_envelope) = 60),
     created_at text NOT NULL
   );
   CREATE TABLE keys (
     address text COLLATE "C" PRIMARY KEY CHECK (length(address) = 42),
     wrapped_key bytea NOT NULL CHECK (length(wrapped_key) = 60),
     envelope bytea NOT NULL CHECK (length(envelope) = 1024),
     origin text NOT NULL CHECK (origin IN ('created', 'imported')),
     created_at text NOT NULL,
     generation integer NOT NULL
   );
   CREATE INDEX keys_by_generation ON keys (generation);
   CREATE TABLE audit (
     seq bigint PRIMARY KEY CHECK (seq > 0),
     request_id text NOT NULL,
     at text NOT NULL,
     action text NOT NULL,
     address text NOT NULL,
     digest text NOT NULL,
     who text NOT NULL,
     hash text NOT NULL CHECK (length(hash) = 64)
   );
   CREATE TABLE audit_head (
     id integer PRIMARY KEY CHECK (id = 1),
     seq bigint NOT NULL,
     hash text NOT NULL CHECK (length(hash) = 64)
   );
   INSERT INTO audit_head VALUES (1, 0, '${GENESIS.hash}');
   CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql
     AS $$ BEGIN RAISE EXCEPTION 'the audit log only grows'; END $$;
   CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE ON audit
     FOR EACH ROW EXECUTE FUNCTION audit_only_grows();`,
];
