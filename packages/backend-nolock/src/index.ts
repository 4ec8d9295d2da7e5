/**
 * A backend on ordinary memory, honestly labelled: it claims no protection at all.
 *
 * @packageDocumentation
 */
export { nolockBackend } from './nolock-backend.js';
