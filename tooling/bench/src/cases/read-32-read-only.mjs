import { accessInTurns } from '../access-in-turns.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'read-32-read-only',
  what: 'the same with pages read-only at rest, each read in a turn of its own',
  subjects: accessInTurns('read', 'read-only'),
  targets: [],
};
