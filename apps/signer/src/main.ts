import { fileURLToPath } from 'node:url';
import { ConfigError, parseConfig, SERVICE_USAGE } from './service/config.js';
import { startService } from './service/run.js';

const DASHBOARD = fileURLToPath(new URL('./dashboard/', import.meta.url));

/** Runs until SIGTERM or SIGINT. Exit codes: 0 after an orderly end, 1 when it cannot start, 2 for a bad option. */
async function main(): Promise<void> {
  const config = parseConfig(process.argv.slice(2));
  if (config === 'help') {
    console.log(SERVICE_USAGE);
    return;
  }
  const { url, close } = await startService(config, DASHBOARD);
  console.log(`signer: listening on ${url}`);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    close().then(
      () => process.exit(0),
      (error: unknown) => fail(1, error),
    );
  };
  // Listeners that stay: whoever wipes at a signal that nobody listens to would take a `once` that has fired for nobody.
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** One line: the stack of an operating error tells an operator nothing. */
function fail(code: number, error: unknown): void {
  const name = (error as { code?: string }).code ?? (error as Error).name;
  process.stderr.write(`signer: ${(error as Error).message} (${name})\n`);
  process.exit(code);
}

main().catch((error: unknown) => fail(error instanceof ConfigError ? 2 : 1, error));
