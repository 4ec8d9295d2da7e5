import { advice } from './advice.mjs';
import { bytes } from './bytes.mjs';
import { locks } from './locks.mjs';
import { words } from './words.mjs';

/** Every way in which the outsider is broken, by name. @type {Record<string, import('./bug.mjs').Bug>} */
export const bugs = { ...advice, ...locks, ...bytes, ...words };
