import { ciphers, misused } from './arguments.js';
import type { Broken } from './breaking.js';
import { bytes } from './bytes.js';
import { environments } from './environments.js';
import { errors } from './errors.js';
import { privateKeys } from './keys.js';
import { limits } from './limits.js';
import { locks } from './locks.js';
import { regions } from './regions.js';
import { views } from './views.js';

/** Every broken backend: together they show that each requirement can fail. */
export const broken: readonly Broken[] = [
  ...locks,
  ...limits,
  ...regions,
  ...bytes,
  ...views,
  ...errors,
  ...misused,
  ...ciphers,
  ...privateKeys,
  ...environments,
];
