import assert from 'node:assert/strict';
import type { TargetDefinition } from '../target.mjs';
import { featuresOf, readStream } from './frames.js';
import { HostEnd } from './host-end.js';
import { HostModel } from './host-model.js';
import { keeperStream } from './host-stream.js';
import { pieces } from './pieces.js';

/**
 * The host's end of the channel under a keeper that sends anything. A model that shares no code with it says of every
 * stream whether an honest keeper could have sent it, and what it would have meant; the real end must say the same, throw
 * nothing, settle each call once, and leave no trace on what everybody shares.
 */
const definition: TargetDefinition = {
  byteLengthMax: 70_000,
  make: keeperStream,
  open: () => ({ run }),
};
export default definition;

async function run(bytes: Uint8Array): Promise<Set<string>> {
  const model = new HostModel();
  for (const frame of readStream(bytes)) model.take(frame);
  const real = new HostEnd();
  for (const piece of pieces(bytes)) {
    await real.push(new Uint8Array(piece));
    if (real.violated) break;
  }
  await real.end();

  assert.equal(real.violated, model.state === 'violated', 'whether it is a violation');
  for (const [id, answer] of model.answers) {
    const settled = real.settled.get(id);
    if (answer === 'error') assert.ok(settled instanceof Error, `call ${id} is an error`);
    else assert.deepEqual(settled, answer, `the answer of call ${id}`);
  }
  assert.equal(real.settled.size, model.answers.size, 'calls that were settled by an answer');
  assert.equal(real.unanswered, real.sent - model.answers.size, 'calls that were not');
  assert.deepEqual(Object.keys(Object.prototype), [], 'the prototype of everything');
  return featuresOf(bytes, `${model.state}, ${model.answers.size} answers`);
}
