import { accessInTurns } from '../access-in-turns.mjs';
import { sodiumAccess } from '../sodium-access.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'write-32-no-access',
  what: 'the same with pages closed at rest, each write in a turn of its own',
  subjects: {
    ...accessInTurns('write', 'no-access'),
    'sodium-native': sodiumAccess('write', 'no-access'),
  },
  targets: [],
};
