import { type CrashPolicy, halt, retry, terminate } from '@securemem/core';
import type { KeeperOptions } from './options.js';

/** Short, since a storm lasts seconds; a service would wait longer between restarts. */
const BACKOFF = { baseMs: 50, capMs: 200 };

/** The policy of a storm: `retry` grants as many restarts as there will be kills. */
export function crashPolicyOf({ crashPolicy, chaos }: KeeperOptions): CrashPolicy {
  if (crashPolicy === 'halt') return halt();
  if (crashPolicy === 'terminate') return terminate();
  return retry({ restartsMax: Math.max(1, chaos), backoff: BACKOFF });
}
