/** What a document has, by strings, regular expressions and `JSON.parse`: it shares nothing with the scanner. */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const UNPAIRED = /\p{Surrogate}/u;

/** The text of a document; undefined where its bytes are no UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** How deep brackets open outside strings, as far as the text has brackets that match. */
export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    else if (token === '}' || token === ']') depth--;
  }
  return deepest;
}

/** A value and, where it has members, every one of them: an object may have a name twice. */
class Value {
  readonly type: string;
  readonly text: string | undefined;
  readonly members: (readonly [string, Value])[] = [];

  constructor(type: string, text?: string) {
    this.type = type;
    this.text = text;
  }

  *pointers(): Generator<string> {
    for (const [name, member] of this.members) {
      const own = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      if (UNPAIRED.test(own)) continue;
      yield own;
      for (const below of member.pointers()) yield own + below;
    }
  }
}

/** The document as a tree; undefined where `JSON.parse` refuses it, or it is too deep to be built. */
export function membersOf(text: string): Value | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const root = new Value('array');
  const open: Value[] = [root];
  let name: string | undefined;
  const tokens = [...text.matchAll(TOKEN)].map(([token]) => token);
  for (const [index, token] of tokens.entries()) {
    const parent = open.at(-1) as Value;
    if (token === ':' || token === ',') continue;
    if (token === '}' || token === ']') open.pop();
    else if (tokens[index + 1] === ':') name = JSON.parse(token);
    else {
      const value = leafOf(token);
      parent.members.push([name ?? String(parent.members.length), value]);
      name = undefined;
      if (value.type === 'object' || value.type === 'array') open.push(value);
    }
  }
  return (root.members[0] as readonly [string, Value])[1];
}

function leafOf(token: string): Value {
  if (token === '{') return new Value('object');
  if (token === '[') return new Value('array');
  const value: unknown = JSON.parse(token);
  return typeof value === 'string' ? new Value('string', value) : new Value('other');
}

/** What a pointer must give. */
export function answerOf(
  root: Value | undefined,
  pointer: string,
): { readonly refused: string } | { readonly taken: string } {
  let value = root;
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const found: Value[] = [];
    for (const [own, member] of value?.members ?? []) if (own === name) found.push(member);
    if (found.length > 1) return { refused: 'duplicate' };
    value = found[0];
  }
  if (value === undefined) return { refused: 'missing' };
  if (value.text === undefined) return { refused: 'type' };
  if (UNPAIRED.test(value.text)) return { refused: 'encoding' };
  return value.text === '' ? { refused: 'empty' } : { taken: value.text };
}
