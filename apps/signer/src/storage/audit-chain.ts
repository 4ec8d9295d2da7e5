import { createHash } from 'node:crypto';
import { StorageError } from './storage-error.js';
import type { AuditEntry, AuditRecord, Store } from './store.js';

/** Before the first record. */
export const GENESIS = { seq: 0, hash: '0'.repeat(64) } as const;

const PAGE = 1_000;

/** Gives entries their places after `head`. */
export function chained(
  head: { readonly seq: number; readonly hash: string },
  entries: readonly AuditEntry[],
): readonly AuditRecord[] {
  let { seq, hash } = head;
  return entries.map((entry) => {
    seq++;
    hash = linkHash(hash, seq, entry);
    return { ...entry, seq, hash };
  });
}

/**
 * Follows the whole chain. `STORAGE_CORRUPT` names the first record that was changed, moved or taken out; so does a head
 * that is not the end of the chain. Whoever may write to the database can compute a new chain: keep a head elsewhere to
 * notice that. Resolves with the number of records.
 */
export async function verifyAuditChain(store: Store): Promise<number> {
  let last: { readonly seq: number; readonly hash: string } = GENESIS;
  for (;;) {
    const records = await store.auditAfter(last.seq, PAGE);
    for (const record of records) {
      const whole = record.seq === last.seq + 1 && linkHash(last.hash, record.seq, record);
      if (whole !== record.hash) throw broken(last.seq + 1);
      last = record;
    }
    if (records.length < PAGE) break;
  }
  const head = await store.auditHead();
  // Another replica may have added to the chain since the last page was read.
  if (head.seq > last.seq && (await store.auditAfter(last.seq, 1)).length > 0)
    return verifyAuditChain(store);
  if (head.seq !== last.seq || head.hash !== last.hash) throw broken(last.seq + 1);
  return last.seq;
}

function linkHash(before: string, seq: number, entry: AuditEntry): string {
  const { requestId, at, action, address, digest, who } = entry;
  const text = JSON.stringify([seq, requestId, at, action, address, digest, who]);
  return createHash('sha256').update(before, 'hex').update(text).digest('hex');
}

function broken(seq: number): StorageError {
  return new StorageError(
    'STORAGE_CORRUPT',
    `the audit log is not what was written: look at record ${seq}`,
  );
}
