import { describe, expect, it } from 'vitest';
import { LineEditor, type LineState } from '../src/ingest/line-editor.js';

/** Types keys one byte after another, as the terminal does, and says what the page holds. */
function type(keys: string, byteLengthMax = 16) {
  const bytes = new Uint8Array(byteLengthMax + 1);
  const editor = new LineEditor(byteLengthMax);
  let state: LineState = 'typing';
  let unread = 0;
  for (const byte of Buffer.from(keys, 'utf8')) {
    if (state !== 'typing') unread++;
    else {
      bytes[editor.position] = byte;
      state = editor.take(bytes);
    }
  }
  const line = Buffer.from(bytes.subarray(0, editor.position)).toString('utf8');
  const rest = bytes.subarray(editor.position).every((byte) => byte === 0);
  return { state, line, rest, unread, overflow: editor.overflow };
}

describe('the line editor', () => {
  it.each([
    ['a line', 'correct horse\r', 'correct horse'],
    ['a line that ends with a line feed', 'abc\n', 'abc'],
    ['a backspace', 'abx\u007fc\r', 'abc'],
    ['Ctrl-H', 'abx\bc\r', 'abc'],
    ['more backspaces than characters', '\u007f\u007fab\u007f\u007f\u007fc\r', 'c'],
    ['a backspace over a character of several bytes', 'aé€😀\u007f\u007fz\r', 'aéz'],
    ['Ctrl-U', 'wrong\u0015right\r', 'right'],
    ['arrow keys', 'a\u001b[Ab\u001b[1;5Cc\u001bOAd\u001b[3~e\r', 'abcde'],
    ['Escape with a letter', 'a\u001bbc\r', 'ac'],
    ['other control characters', 'a\u0001\u0000\tb\u001ac\r', 'abc'],
    ['Ctrl-D after a line', 'abc\u0004', 'abc'],
  ])('takes %s', (_, keys, line) => {
    expect(type(keys)).toEqual({ state: 'done', line, rest: true, unread: 0, overflow: false });
  });

  it('tells an interrupt and the end of the input', () => {
    expect(type('abc\u0003').state).toBe('interrupted');
    expect(type('\u0004').state).toBe('ended');
    expect(type('abc').state).toBe('typing');
  });

  it('reads what is too long to its end, and keeps none of what is over', () => {
    expect(type('12345678\r', 8)).toMatchObject({
      state: 'done',
      line: '12345678',
      overflow: false,
    });
    expect(type('123456789\r', 8)).toMatchObject({
      state: 'done',
      line: '12345678',
      rest: true,
      overflow: true,
    });
  });

  it('leaves nothing of what was taken back', () => {
    expect(type('secret\u0015').rest).toBe(true);
    expect(type('secret\u007f\u007f').rest).toBe(true);
  });
});
