import { forEachSubject } from '../backends.mjs';
import { storm } from './storm-unlimited.mjs';

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'storm-64k',
  what: 'the same under 64 KiB of locked memory: two of three wait for their place',
  subjects: storm(65_536),
  // At least 0.95 of the rate without a limit.
  targets: forEachSubject((subject) => [{ times: 1 / 0.95, name: 'storm-unlimited', subject }]),
};
