import type { Requirement } from '../requirement.js';
import { cipher } from './cipher.js';
import { cipherRanges } from './cipher-ranges.js';
import { dump } from './dump.js';
import { environment } from './environment.js';
import { errors } from './errors.js';
import { fork } from './fork.js';
import { inspection } from './inspection.js';
import { keyReferences } from './key-references.js';
import { keys } from './keys.js';
import { keysInvalid } from './keys-invalid.js';
import { keysLater } from './keys-later.js';
import { keysMisuse } from './keys-misuse.js';
import { lifecycle } from './lifecycle.js';
import { limits } from './limits.js';
import { locking } from './locking.js';
import { mapping } from './mapping.js';
import { misuse } from './misuse.js';
import { model } from './model.js';
import { opening } from './opening.js';
import { protection } from './protection.js';
import { threads } from './threads.js';
import { views } from './views.js';
import { wiping } from './wiping.js';

/** Everything that the suite asks of a backend, group by group. A new entry is a minor release. */
export const requirements: readonly Requirement[] = [
  ...opening,
  ...mapping,
  ...locking,
  ...protection,
  ...wiping,
  ...views,
  ...limits,
  ...lifecycle,
  ...inspection,
  ...errors,
  ...misuse,
  ...fork,
  ...dump,
  ...cipher,
  ...cipherRanges,
  ...keys,
  ...keysInvalid,
  ...keysMisuse,
  ...keysLater,
  ...keyReferences,
  ...environment,
  ...threads,
  ...model,
];
