import { accessInTurns } from '../access-in-turns.mjs';
import { forEachSubject } from '../backends.mjs';
import { sodiumAccess } from '../sodium-access.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'read-32-no-access',
  what: 'the same with pages closed at rest, each read in a turn of its own',
  subjects: {
    ...accessInTurns('read', 'no-access'),
    'sodium-native': sodiumAccess('read', 'no-access'),
  },
  targets: forEachSubject((subject) => [
    { times: 1, name: 'read-32', subject },
    { times: 1.3, name: 'protect-pair', subject },
  ]),
};
