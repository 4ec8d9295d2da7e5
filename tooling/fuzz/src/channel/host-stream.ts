import type { Random } from '../random.mjs';
import { type FrameParts, KIND, NAME_LENGTH_MAX, NAMES_MAX, stream } from './frames.js';
import { CALLS, FUNCTIONS, PAYLOAD_MAX } from './host-model.js';
import { deepJson, oddJson } from './odd-json.js';

/** The frames of a keeper that is honest most of the time, and at the limits often. */
export function keeperStream(random: Random): Uint8Array {
  const frames: FrameParts[] = [];
  if (random.chance(0.85))
    frames.push({ kind: KIND.ready, body: `{"operations":${names(random)}}` });
  for (let left = random.below(10); left > 0; left -= 1) frames.push(keeperFrame(random));
  return stream(frames);
}

function names(random: Random): string {
  const chosen = random.below(10);
  if (chosen < 6) return '["echo","hold"]';
  if (chosen === 6)
    return JSON.stringify(Array.from({ length: NAMES_MAX - 1 + random.below(3) }, String));
  if (chosen === 7) {
    const length = random.of([0, 1, NAME_LENGTH_MAX, NAME_LENGTH_MAX + 1]);
    return JSON.stringify(['n'.repeat(length)]);
  }
  const odd = chosen === 8 && random.chance(0.2) ? deepJson(random) : oddJson(random);
  return random.chance(0.5) ? `[${odd}]` : odd;
}

/** Answers, calls of host functions and what comes with them; now and then what only a host may send. */
const KINDS = [
  KIND.ready,
  KIND.startFailed,
  ...[KIND.reply, KIND.reply, KIND.reply],
  ...[KIND.error, KIND.error],
  ...[KIND.hostCall, KIND.hostCall],
  ...[KIND.hostReplyReceived, KIND.hostReplyReceived],
  ...[KIND.hello, KIND.call, KIND.cancel],
];

function keeperFrame(random: Random): FrameParts {
  const kind = random.of(KINDS);
  const id = random.below(CALLS + 2);
  switch (kind) {
    case KIND.ready:
    case KIND.startFailed:
    case KIND.error: {
      const plain = '{"message":"m","code":"ERR_SECMEM_CLOSED"}';
      return { kind, id, body: random.chance(0.5) ? oddJson(random) : plain };
    }
    case KIND.hostReplyReceived:
      return { kind, id };
    default: {
      const length = random.of([0, 1, 16, 64, 65, PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX + 1]);
      return { kind, id, index: random.below(FUNCTIONS.length + 1), body: random.bytes(length) };
    }
  }
}
