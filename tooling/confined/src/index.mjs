export { confine } from './confine.mjs';
export { proveConfinement } from './prove.mjs';
