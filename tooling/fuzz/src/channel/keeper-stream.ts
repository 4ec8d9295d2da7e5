import type { Random } from '../random.mjs';
import { type FrameParts, KIND, stream } from './frames.js';
import { OPERATIONS, PAYLOAD_MAX } from './keeper-model.js';
import { oddJson } from './odd-json.js';

/** The frames of a host that is honest most of the time, and at the limits often. */
export function hostStream(random: Random): Uint8Array {
  const frames: FrameParts[] = [];
  for (let left = random.below(14); left > 0; left -= 1) {
    const next = hostFrame(random);
    frames.push(next);
    if (next.kind === KIND.reserve && random.chance(0.6)) frames.push(...secretOf(next, random));
  }
  if (random.chance(0.1)) frames.push({ kind: KIND.close });
  return stream(frames);
}

/** What an honest host sends for a place that it has asked for: now and then it gives up, or is not honest. */
function secretOf({ id = 0, index = 0, body }: FrameParts, random: Random): FrameParts[] {
  const [byteLength] = new Uint32Array((body as Uint8Array).slice().buffer);
  const length = (byteLength as number) + (random.chance(0.05) ? 1 : 0);
  const between = random.chance(0.3) ? [hostFrame(random)] : [];
  if (random.chance(0.2)) return [...between, { kind: KIND.cancel, id }];
  return [...between, { kind: KIND.call, id, index, flags: 1, body: random.bytes(length) }];
}

const KINDS = [
  ...[KIND.call, KIND.call, KIND.call, KIND.call],
  ...[KIND.reserve, KIND.reserve, KIND.ask],
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
    case KIND.reserve: {
      const wanted = random.chance(0.05) ? random.below(3) * PAYLOAD_MAX : length;
      return { kind, id, index, body: new Uint8Array(new Uint32Array([wanted]).buffer) };
    }
    case KIND.cancel:
    case KIND.ask:
      return { kind, id };
    case KIND.hostReply:
      return { kind, id: hostCall, body };
    default:
      return { kind, id: hostCall, body: random.chance(0.7) ? '{"message":"m"}' : oddJson(random) };
  }
}
