import { accessInTurns } from '../access-in-turns.mjs';
import { sodiumAccess } from '../sodium-access.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'write-32-read-only',
  what: 'the same with pages read-only at rest, each write in a turn of its own',
  subjects: {
    ...accessInTurns('write', 'read-only'),
    'sodium-native': sodiumAccess('write', 'read-only'),
  },
  targets: [],
};
