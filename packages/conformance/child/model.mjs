import fc from 'fast-check';
import { check, commandsFor, mapPages } from './model-commands.mjs';

/**
 * Random sequences of operations against a model that is an array of bytes per region. Failures come from outside, a lock
 * limit that bites, and from inside: calls with wrong arguments and stale ids. Whatever fails must change nothing.
 *
 * @typedef {import('@securemem/core/contract').MemoryBackend} MemoryBackend
 * @typedef {import('./model-commands.mjs').Model} Model
 * @typedef {import('./model-commands.mjs').Real} Real
 */

/** Where every sequence starts: two regions and the id of a third that is gone. @param {Real} real */
function startOf(real) {
  /** @type {Model} */
  const model = { regions: [], stale: [], seen: new Set() };
  for (const pages of [1, 2, 1]) mapPages(model, real, pages);
  check(model.regions.length === 3, 'there is no room for four pages');
  const gone = model.regions.pop();
  if (gone !== undefined) {
    real.backend.unmap(gone.id);
    model.stale.push(gone.id);
  }
  return model;
}

/**
 * Runs the model. @param {() => MemoryBackend} open
 * @param {{ seed: number, runs: number, path?: string }} parameters
 */
export function runModel(open, { seed, runs, path }) {
  const first = open();
  const commands = commandsFor(first);
  first[Symbol.dispose]();
  const property = fc.property(
    fc.commands(commands, { maxCommands: 40, size: 'max' }),
    (sequence) => {
      const backend = open();
      /** @type {Model | undefined} */
      let model;
      const setup = () => {
        model = startOf({ backend });
        return { model, real: { backend } };
      };
      try {
        fc.modelRun(setup, sequence);
      } finally {
        // A region under a live view outlives its backend.
        for (const { views } of model?.regions ?? []) for (const { view } of views) view.close();
        backend[Symbol.dispose]();
      }
    },
  );
  const outcome = fc.check(property, {
    seed,
    numRuns: runs,
    ...(path === undefined ? {} : { path }),
  });
  return {
    failed: outcome.failed,
    seed: outcome.seed,
    path: outcome.counterexamplePath,
    runs: outcome.numRuns,
    sequence: outcome.counterexample === null ? undefined : String(outcome.counterexample[0]),
    error: outcome.errorInstance === null ? undefined : String(outcome.errorInstance),
  };
}
