import { KIND, type ReadFrame, TEXT_BYTE_LENGTH_MAX } from './frames.js';
import { objectIn } from './json.js';
import { areNames } from './names.js';

/** The limits of the host that is fed. */
export const PAYLOAD_MAX = 100;
export const HOST_CALLS_MAX = 3;
export const FUNCTIONS = ['first', 'second'];

/** Calls that it makes once the keeper is ready; their ids are 1 and up. */
export const CALLS = 3;

const LONGEST: Readonly<Record<number, number>> = {
  [KIND.ready]: TEXT_BYTE_LENGTH_MAX,
  [KIND.startFailed]: TEXT_BYTE_LENGTH_MAX,
  [KIND.reply]: PAYLOAD_MAX,
  [KIND.error]: TEXT_BYTE_LENGTH_MAX,
  [KIND.hostCall]: PAYLOAD_MAX,
  [KIND.hostReplyReceived]: 0,
};

/** What an honest reading of a keeper's stream comes to. */
export class HostModel {
  state: 'starting' | 'failed' | 'ready' | 'violated' = 'starting';
  readonly answers = new Map<number, 'error' | Uint8Array>();
  readonly #unconfirmed = new Set<number>();

  take(frame: ReadFrame): void {
    if (this.state !== 'violated' && !this.#allows(frame)) this.state = 'violated';
  }

  #allows({ kind, flags, index, generation, id, byteLength, body }: ReadFrame): boolean {
    const longest = LONGEST[kind];
    if (longest === undefined || flags !== 0 || generation !== 1 || byteLength > longest)
      return false;
    if (body === undefined) return true;
    switch (kind) {
      case KIND.ready:
        return this.#becomes('ready', body);
      case KIND.startFailed:
        return this.#becomes('failed', body);
      case KIND.reply:
        return this.#answers(id, new Uint8Array(body));
      case KIND.error:
        return objectIn(body) !== undefined && this.#answers(id, 'error');
      case KIND.hostCall: {
        const allowed = index < FUNCTIONS.length && id !== 0 && !this.#unconfirmed.has(id);
        if (!allowed || this.#unconfirmed.size === HOST_CALLS_MAX) return false;
        this.#unconfirmed.add(id);
        return true;
      }
      default:
        return this.#unconfirmed.delete(id);
    }
  }

  #becomes(state: 'ready' | 'failed', body: Uint8Array): boolean {
    const said = objectIn(body);
    if (said === undefined || this.state !== 'starting') return false;
    if (state === 'ready' && !areNames(said['operations'], 1)) return false;
    this.state = state;
    return true;
  }

  #answers(id: number, answer: 'error' | Uint8Array): boolean {
    if (this.state !== 'ready' || id < 1 || id > CALLS || this.answers.has(id)) return false;
    this.answers.set(id, answer);
    return true;
  }
}
