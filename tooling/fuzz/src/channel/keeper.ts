import assert from 'node:assert/strict';
import type { TargetDefinition } from '../target.mjs';
import { featuresOf } from './frames.js';
import { KeeperEnd } from './keeper-end.js';
import { KeeperModel } from './keeper-model.js';
import { hostStream } from './keeper-stream.js';
import { pieces } from './pieces.js';

/**
 * The keeper's end of the channel under a host that sends anything. A model that shares no code with it says of every
 * stream what must be answered and where it stops being honest; the real end must answer exactly that.
 */
const definition: TargetDefinition = {
  byteLengthMax: 70_000,
  make: hostStream,
  open: () => ({ run }),
};
export default definition;

async function run(bytes: Uint8Array): Promise<Set<string>> {
  const model = new KeeperModel(bytes);
  const real = new KeeperEnd();
  try {
    let offset = 0;
    for (const piece of pieces(bytes)) {
      offset += piece.length;
      await real.push(new Uint8Array(piece));
      model.comeTo(offset);
      if (real.violated || model.violated) break;
    }
    await new Promise((resolve) => setImmediate(resolve));

    assert.equal(real.violated, model.violated, 'whether it is a violation');
    if (model.violated) return featuresOf(bytes, 'violated');
    // Answers to calls of one turn may overtake each other; each is there once.
    assert.deepEqual(real.answers().sort(), model.answers.sort(), 'what is answered');
    assert.equal(real.closed, model.closed, 'whether the end is asked for');
    return featuresOf(
      bytes,
      `${model.closed ? 'closed' : 'open'}, ${model.answers.length} answers`,
    );
  } finally {
    real.release();
  }
}
