import { fileURLToPath } from 'node:url';
import { COMMANDS } from './commands/main.js';
import { parseConfig, SERVICE_USAGE } from './service/config.js';
import { ConfigError } from './service/option-values.js';
import { startService } from './service/run.js';

const DASHBOARD = fileURLToPath(new URL('./dashboard/', import.meta.url));

/** EX_SOFTWARE of sysexits.h, as for a keeper that halts its host. */
const LOST_EXIT_CODE = 70;

/**
 * Runs until SIGTERM or SIGINT. Exit codes: 0 after an orderly end, 1 when it cannot start, 2 for a bad option, 70 when its
 * keys are lost and the options say that it ends then.
 */
async function main([first, ...rest]: readonly string[]): Promise<void> {
  const command = COMMANDS[first ?? ''];
  if (command !== undefined) {
    console.log(`signer: ${await command(rest)}`);
    return;
  }
  const config = parseConfig(process.argv.slice(2));
  if (config === 'help') {
    console.log(SERVICE_USAGE);
    return;
  }
  const { url, close, lost } = await startService(config, DASHBOARD);
  console.log(`signer: listening on ${url}`);
  let stopping = false;
  const stop = (code: number): void => {
    if (stopping) return;
    stopping = true;
    close().then(
      () => process.exit(code),
      (error: unknown) => fail(1, error),
    );
  };
  // Listeners that stay: whoever wipes at a signal that nobody listens to would take a `once` that has fired for nobody.
  process.on('SIGTERM', () => stop(0));
  process.on('SIGINT', () => stop(0));
  if (config.exitWhenLost) void lost.then(() => stop(LOST_EXIT_CODE));
}

/** One line: the stack of an operating error tells an operator nothing. */
function fail(code: number, error: unknown): void {
  const { code: name, slug, message } = error as { code?: string; slug?: string; message: string };
  const kind = slug ?? name;
  process.stderr.write(`signer: ${message}${kind === undefined ? '' : ` (${kind})`}\n`);
  process.exit(code);
}

main(process.argv.slice(2)).catch((error: unknown) =>
  fail(error instanceof ConfigError ? 2 : 1, error),
);
