import { ConfigError } from './option-values.js';
import type { OptionValues, ServiceConfig } from './service-config.js';

/** What only makes sense where the keys are in a process of their own. */
const OF_A_KEEPER = ['crash-policy', 'exit-when-lost', 'call-deadline'] as const;

/** Throws ConfigError when options contradict each other: each alone is fine, and together they would do harm or nothing. */
export function requireSense(config: ServiceConfig, values: OptionValues): void {
  const { signing, masterKeySource, crashPolicy, backend } = config;
  if (signing === 'in-process') {
    for (const name of OF_A_KEEPER) {
      if (values[name] !== undefined) throw new ConfigError(`--${name} needs --signing keeper`);
    }
  }
  if (signing === 'keeper' && masterKeySource.kind === 'terminal') {
    throw new ConfigError('a keeper has no terminal: give it --master-key-file or --master-key-fd');
  }
  if (signing === 'keeper' && masterKeySource.kind === 'descriptor' && crashPolicy === 'retry') {
    throw new ConfigError(
      'a descriptor can be read once, and a restarted keeper reads again: give --master-key-file or another --crash-policy',
    );
  }
  if (backend === 'nolock' && config.raiseLimit) {
    throw new ConfigError('--raise-limit needs a backend that locks: nolock locks nothing');
  }
  requireTime(config);
  if (config.demonstration && config.database.kind !== 'sqlite') {
    throw new ConfigError('--demonstration breaks things: not on a database that replicas share');
  }
}

/** A call that waits as it was told to must not count as a keeper that hangs. */
function requireTime({ signing, waitMsMax, approvalMs, callMsMax }: ServiceConfig): void {
  if (signing === 'keeper' && callMsMax <= waitMsMax + approvalMs) {
    throw new ConfigError(
      `--call-deadline must be more than --wait and --approval together, ${waitMsMax + approvalMs} ms: a keeper that waits as it was told would be killed`,
    );
  }
}
