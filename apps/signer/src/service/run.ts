import { createAllocator } from '@securemem/core';
import { openBackend } from '../signing/backend.js';
import { LocalVault } from '../signing/local-vault.js';
import type { Vault } from '../signing/vault.js';
import { openDatabase } from '../storage/database.js';
import { KeyTable } from '../storage/key-table.js';
import { VaultTable } from '../storage/vault-table.js';
import type { ServiceConfig } from './config.js';
import { EventLog } from './event-log.js';
import { createServer } from './server.js';
import { SigningService } from './signing-service.js';
import { Token } from './token.js';

export interface RunningService {
  /** Where the dashboard is. */
  readonly url: string;
  readonly log: EventLog;
  /**
   * Stops in the order that loses nothing: no new work, what is under way finishes, every secret is wiped, the database is
   * closed, and only then the network.
   */
  close(): Promise<void>;
}

/** Starts the service. Rejects with a Problem, StorageError or SecureMemoryError, and nothing is left open then. */
export async function startService(
  config: ServiceConfig,
  dashboardDirectory: string,
): Promise<RunningService> {
  const log = new EventLog();
  const token = Token.fromFile(config.tokenPath);
  const database = openDatabase(config.databasePath);
  const vault = openVault(config);
  try {
    const keys = new KeyTable(database);
    const service = new SigningService({
      vault,
      keys,
      vaultTable: new VaultTable(database),
      masterKeySource: config.masterKeySource,
      log,
    });
    if (!config.sealed) await service.unseal();
    const server = createServer({ service, log, token, dashboardDirectory });
    const url = await server.app.listen({ host: config.host, port: config.port });
    const close = async (): Promise<void> => {
      await service.close();
      database.close();
      log.add('closed', 'The database is closed.');
      await server.close();
    };
    return { url, log, close };
  } catch (error) {
    await vault.close();
    database.close();
    throw error;
  }
}

function openVault(config: ServiceConfig): Vault {
  const backend = openBackend({ backend: config.backend, kernelHidden: 'prefer' });
  const { budgetByteLength, queueLengthMax, waitMsMax } = config;
  const memory = createAllocator({
    backend,
    ...(budgetByteLength === undefined
      ? {}
      : { budget: { lockedByteLengthMax: budgetByteLength } }),
    admission: { queueLengthMax, waitMsMax },
  });
  return new LocalVault(memory, backend, config.approvalMs);
}
