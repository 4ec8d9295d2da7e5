import { createAllocator } from '@securemem/core';
import { demonstrationRoutes } from '../demonstration/routes.js';
import { ScratchMemory } from '../demonstration/scratch-memory.js';
import { openBackend } from '../signing/backend.js';
import { KeeperVault } from '../signing/keeper-vault.js';
import { LocalVault } from '../signing/local-vault.js';
import type { Vault } from '../signing/vault.js';
import { openDatabase } from '../storage/database.js';
import { KeyTable } from '../storage/key-table.js';
import { VaultTable } from '../storage/vault-table.js';
import type { ServiceConfig } from './config.js';
import { EventLog } from './event-log.js';
import { PolicyChoice } from './policy-choice.js';
import { createServer } from './server.js';
import { SigningService } from './signing-service.js';
import { Token } from './token.js';

/** Longest time of one call to the keeper, waiting for memory and for a restart included, in milliseconds. */
const CALL_MS_MAX = 30_000;

/** Connections that the system holds for us while we are busy. With Node's 511 a crowd of 1,000 waits seconds for a retry. */
const BACKLOG = 4_096;

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
  const policy = new PolicyChoice();
  const vault = openVault(config, log, policy);
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
    const scratch = config.demonstration ? new ScratchMemory(config.backend) : undefined;
    const server = createServer({
      service,
      log,
      token,
      dashboardDirectory,
      requestMsMax: config.requestMsMax,
      ...(scratch === undefined
        ? {}
        : { demonstration: (app) => demonstrationRoutes(app, { service, log, policy, scratch }) }),
    });
    const { host, port } = config;
    const url = await server.app.listen({ host, port, backlog: BACKLOG });
    const close = async (): Promise<void> => {
      await Promise.all([service.close(), scratch?.close()]);
      database.close();
      log.add('database-closed', 'The database is closed.');
      await server.close();
      log.add('network-closed', 'Nobody is listened to any more.');
    };
    return { url, log, close };
  } catch (error) {
    await vault.close();
    database.close();
    throw error;
  }
}

function openVault(config: ServiceConfig, log: EventLog, policy: PolicyChoice): Vault {
  const { budgetByteLength, queueLengthMax, waitMsMax, approvalMs } = config;
  const choice = { backend: config.backend, kernelHidden: 'prefer' } as const;
  const allocator = {
    ...(budgetByteLength === undefined
      ? {}
      : { budget: { lockedByteLengthMax: budgetByteLength } }),
    admission: { queueLengthMax, waitMsMax },
  };
  if (config.signing === 'in-process') {
    const backend = openBackend(choice);
    return new LocalVault(createAllocator({ backend, ...allocator }), backend, approvalMs);
  }
  return new KeeperVault({
    settings: { ...choice, allocator, approvalMs },
    crashPolicy: () => policy.make(),
    callMsMax: CALL_MS_MAX,
    onCrash: ({ category, signal, decision }) => {
      const what = `The keeper died (${category}${signal === null ? '' : `, ${signal}`})`;
      log.add('keeper-crash', `${what}; the policy ${policy.name} says: ${decision}.`);
    },
    onRestart: (pid) =>
      log.add('keeper-restart', `A new keeper, process ${pid}, has read its key.`),
  });
}
