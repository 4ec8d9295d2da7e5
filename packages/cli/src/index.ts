/**
 * What `npx securemem doctor` does, for programs: gather the facts, judge them, show them.
 *
 * @module securemem
 */
export { type Diagnosis, diagnose } from './doctor/diagnose.js';
export type { BackendFacts, ByteLimit, Facts, Surroundings, Unknown } from './doctor/facts.js';
export type { Finding, Level } from './doctor/finding.js';
export { gatherFacts } from './doctor/gather.js';
export type { Need } from './doctor/need.js';
export { render } from './doctor/render.js';
export type { BackendRoom } from './doctor/room.js';
