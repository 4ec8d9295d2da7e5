import { demonstrationRoutes } from '../demonstration/routes.js';
import { ScratchMemory } from '../demonstration/scratch-memory.js';
import { verifyAuditChain } from '../storage/audit-chain.js';
import { EventLog } from './event-log.js';
import { createLogger } from './logger.js';
import { type OpenStore, openStore } from './open-store.js';
import { openVault } from './open-vault.js';
import { PolicyChoice } from './policy-choice.js';
import { Readiness } from './readiness.js';
import { createServer, type Server, type ServerParts } from './server.js';
import type { ServiceConfig } from './service-config.js';
import { SigningService } from './signing-service.js';
import { TokenFile } from './token-file.js';
import { listenOnSocket } from './unix-socket.js';

/** Connections that the system holds for us while we are busy. With Node's 511 a crowd of 1,000 waits seconds for a retry. */
const BACKLOG = 4_096;

export interface RunningService {
  /** Where the dashboard is, or `unix:` and the path of the socket. */
  readonly url: string;
  readonly log: EventLog;
  /** Resolves when no restart will bring the keys back, for a service that ends then. */
  readonly lost: Promise<void>;
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
  const logger = createLogger(config.logLevel, log);
  const tokens = new TokenFile(config.tokenPath, (text) => log.add('tokens', text, 'warn'));
  const open = await openStore(config.database, config.backend);
  try {
    const records = await verifyAuditChain(open.store);
    log.add('audit', `The audit log is whole: ${records} records.`);
    return await run(config, open, { log, logger, tokens, dashboardDirectory });
  } catch (error) {
    await open.close();
    throw error;
  }
}

/** Closes everything that it opened when it rejects, but not the store. */
async function run(
  config: ServiceConfig,
  open: OpenStore,
  parts: Pick<ServerParts, 'log' | 'logger' | 'tokens' | 'dashboardDirectory'>,
): Promise<RunningService> {
  const { log } = parts;
  const policy = new PolicyChoice(config.crashPolicy);
  const vault = openVault(config, log, policy);
  const { masterKeySource, chainId, requestMsMax } = config;
  const service = new SigningService({ vault, store: open.store, masterKeySource, log });
  const { promise: lost, resolve: onLost } = promiseParts();
  const readiness = new Readiness(service, log, onLost);
  const scratch = config.demonstration ? new ScratchMemory(config.backend) : undefined;
  let server: Server | undefined;
  const close = async (): Promise<void> => {
    readiness.close();
    await Promise.all([service.close(), scratch?.close()]);
  };
  try {
    if (!config.sealed) await service.unseal();
    server = createServer({
      ...{ service, readiness, chainId, requestMsMax },
      ...parts,
      ...(scratch !== undefined && {
        demonstration: (app) => demonstrationRoutes(app, { service, log, policy, scratch }),
      }),
    });
    const url = await listen(server, config);
    log.add('listening', `Listening on ${url}.`);
    await readiness.now();
    return { url, log, lost, close: () => closeInOrder(close, open, server as Server, log) };
  } catch (error) {
    await server?.close();
    await close();
    throw error;
  }
}

async function closeInOrder(
  close: () => Promise<void>,
  open: OpenStore,
  server: Server,
  log: EventLog,
): Promise<void> {
  await close();
  await open.close();
  log.add('database-closed', 'The database is closed.');
  await server.close();
  log.add('network-closed', 'Nobody is listened to any more.');
}

function listen({ app }: Server, { listening }: ServiceConfig): Promise<string> {
  if (listening.kind === 'socket') return listenOnSocket(app, listening.path, BACKLOG);
  const { host, port } = listening;
  return app.listen({ host, port, backlog: BACKLOG });
}

function promiseParts(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
