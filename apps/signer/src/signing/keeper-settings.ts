import type { AllocatorOptions } from '@securemem/core';
import type { BackendChoice } from './backend.js';
import type { MasterKeySource } from './vault.js';

/** What the signing keeper is told when it starts. Crosses as text in its environment, so it holds no secret. */
export interface KeeperSettings extends BackendChoice {
  /** In a keeper a descriptor has the number that the keeper has for it. */
  readonly masterKeySource: MasterKeySource;
  /** Envelopes of which one opens under the master key, in base64. Every life of the keeper proves its key with them. */
  readonly checks: readonly string[];
  readonly allocator: Omit<AllocatorOptions, 'backend' | 'fallback' | 'exitHooks'>;
  /** How long a request holds its keys while it waits for its approval, in milliseconds. */
  readonly approvalMs: number;
}

const NAME = 'SIGNER_KEEPER';

export function environmentOf(settings: KeeperSettings): Record<string, string> {
  return { [NAME]: JSON.stringify(settings) };
}

export function settingsFrom(environment: NodeJS.ProcessEnv): KeeperSettings {
  return JSON.parse(environment[NAME] ?? '{}') as KeeperSettings;
}
