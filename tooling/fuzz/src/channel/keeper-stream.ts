import type { Random } from '../random.mjs';
import { type FrameParts, KIND, stream } from './frames.js';
import { OPERATIONS, PAYLOAD_MAX } from './keeper-model.js';
import { oddJson } from './odd-json.js';

/** The frames of a host that is honest most of the time, and at the limits often. */
export function hostStream(random: Random): Uint8Array {
  const frames: FrameParts[] = [];
  for (let left = random.below(14); left > 0; left -= 1) frames.push(hostFrame(random));
  if (random.chance(0.1)) frames.push({ kind: KIND.close });
  return stream(frames);
}

const KINDS = [
  ...[KIND.call, KIND.call, KIND.call, KIND.call],
  ...[KIND.cancel, KIND.hostReply, KIND.hostError],
];

function hostFrame(random: Random): FrameParts {
  const length = random.of([0, 1, 16, 64, 65, PAYLOAD_MAX - 1, PAYLOAD_MAX, PAYLOAD_MAX]);
  const body = random.bytes(random.chance(0.03) ? PAYLOAD_MAX + 1 : length);
  const index = random.chance(0.03) ? OPERATIONS.length : random.below(OPERATIONS.length);
  const id = random.chance(0.02) ? 0 : 1 + random.below(40);
  const kind = random.of(KINDS);
  const hostCall = 1 + random.below(3);
  switch (kind) {
    case KIND.call:
      return { kind, id, index, flags: random.chance(0.3) ? 1 : 0, body };
    case KIND.cancel:
      return { kind, id };
    case KIND.hostReply:
      return { kind, id: hostCall, body };
    default:
      return { kind, id: hostCall, body: random.chance(0.7) ? '{"message":"m"}' : oddJson(random) };
  }
}
