import { parseOptions } from '../service/option-values.js';
import { verifyAuditChain } from '../storage/audit-chain.js';
import { DATABASE_OPTIONS, openDatabase } from './database-options.js';

/** Follows the audit log from its first record; keep the line elsewhere to notice when it is made anew. */
export async function verifyAudit(args: readonly string[]): Promise<string> {
  const { store, close } = await openDatabase(parseOptions(args, DATABASE_OPTIONS));
  try {
    const records = await verifyAuditChain(store);
    const { hash } = await store.auditHead();
    return `the audit log is whole: ${records} records, the last one ${hash}`;
  } finally {
    await close();
  }
}
