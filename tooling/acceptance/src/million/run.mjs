/**
 * The process that holds them: `node --expose-gc run.mjs TASK`. Prints one JSON object.
 */
import { runLocked } from './locked.mjs';
import { runSealed } from './sealed.mjs';

/** @type {import('./locked.mjs').Task} */
const task = JSON.parse(process.argv[2] ?? '');
const result = task.sealed ? await runSealed(task) : await runLocked(task);
process.stdout.write(JSON.stringify(result));
