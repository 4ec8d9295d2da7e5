/** One step of a pointer: the name of a member, or the index of an element where it can be one. */
export interface PointerStep {
  /** In UTF-8, as a document has it. */
  readonly name: Uint8Array;
  readonly index: number | undefined;
}

const UNPAIRED = /\p{Surrogate}/u;
const BAD_ESCAPE = /~(?![01])/;
const INDEX = /^(?:0|[1-9][0-9]*)$/;

/**
 * The steps of a JSON pointer (RFC 6901), in its form as a plain string: `''` for the whole document, `/data/keys/0`, with
 * `~0` for `~` and `~1` for `/`. Throws `TypeError` for anything else, and does not repeat it: whoever mixes up the arguments
 * gives a document here.
 */
export function pointerSteps(pointer: string): readonly PointerStep[] {
  if (typeof pointer !== 'string') throw new TypeError('pointer must be a string');
  const valid = pointer === '' || pointer.startsWith('/');
  if (!valid || BAD_ESCAPE.test(pointer) || UNPAIRED.test(pointer)) {
    throw new TypeError("pointer must be a JSON pointer (RFC 6901), such as '/data/password'");
  }
  return pointer.split('/').slice(1).map(step);
}

function step(text: string): PointerStep {
  const name = text.replaceAll('~1', '/').replaceAll('~0', '~');
  return {
    name: new Uint8Array(Buffer.from(name, 'utf8')),
    index: INDEX.test(name) ? Number(name) : undefined,
  };
}
