/**
 * A backend on ordinary memory, honestly labelled: it claims no protection at all.
 *
 * @module @securemem/nolock
 */
export { nolockBackend } from './nolock-backend.js';
