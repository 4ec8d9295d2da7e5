import { createAllocator } from '@securemem/core';
import { openBackend } from '../signing/backend.js';
import { KeeperVault } from '../signing/keeper-vault.js';
import { LocalVault } from '../signing/local-vault.js';
import type { Vault } from '../signing/vault.js';
import type { EventLog } from './event-log.js';
import type { PolicyChoice } from './policy-choice.js';
import type { ServiceConfig } from './service-config.js';

/** The sealed vault that the options ask for. Throws SecureMemoryError. */
export function openVault(config: ServiceConfig, log: EventLog, policy: PolicyChoice): Vault {
  const { budgetByteLength, raiseLimit, queueLengthMax, waitMsMax, approvalMs } = config;
  const choice = { backend: config.backend };
  const allocator = {
    budget: {
      raiseLimit,
      ...(budgetByteLength !== undefined && { lockedByteLengthMax: budgetByteLength }),
    },
    admission: { queueLengthMax, waitMsMax },
  };
  if (config.signing === 'in-process') {
    const backend = openBackend(choice);
    return new LocalVault(createAllocator({ backend, ...allocator }), backend, approvalMs);
  }
  return new KeeperVault({
    settings: { ...choice, allocator, approvalMs },
    crashPolicy: () => policy.make(),
    callMsMax: config.callMsMax,
    onCrash: ({ category, signal, decision }) => {
      const what = `The keeper died (${category}${signal === null ? '' : `, ${signal}`})`;
      const text = `${what}; the policy ${policy.name} says: ${decision}.`;
      log.add('keeper-crash', text, 'error');
    },
    onRestart: (pid) =>
      log.add('keeper-restart', `A new keeper, process ${pid}, has read its key.`, 'warn'),
  });
}
