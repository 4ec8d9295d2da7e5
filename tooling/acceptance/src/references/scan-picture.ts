/** The picture of the README: a program on the left, and on the right what a scan of its memory says. For light pages and dark ones. */

const [COLUMN, LINE, LETTER, TOP, LEFT] = [8, 20, 7.25, 62, 24];
const BETWEEN = 48;

const STYLE = `
  .card { fill: #ffffff } .words { fill: #1f2328 } .quiet { fill: #59636f } .rule { stroke: #d1d9e0 } .good { fill: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117 } .words { fill: #f0f6fc } .quiet { fill: #9198a1 } .rule { stroke: #3d444d } .good { fill: #3fb950 }
  }
  text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre }
  .title { font: 600 13px -apple-system, BlinkMacSystemFont, Segoe UI, Helvetica, Arial, sans-serif }`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function textAt(x: number, row: number, words: string, kind: string): string {
  return `<text class="${kind}" x="${x}" y="${TOP + row * LINE}">${escaped(words)}</text>`;
}

/** What a line of a terminal is: what was typed, what counts of the answer, or the rest. */
function kindOf(line: string): string {
  if (line.startsWith('$')) return 'words';
  return line.includes('elsewhere') ? 'good' : 'quiet';
}

/** @param code lines of the program @param terminal lines of the terminal, those that were typed with a `$` before */
export function scanPicture(code: readonly string[], terminal: readonly string[]): string {
  const widthOf = (lines: readonly string[]) =>
    Math.ceil(Math.max(...lines.map((line) => line.length)) * LETTER);
  const right = LEFT + widthOf(code) + BETWEEN;
  const width = right + widthOf(terminal) + LEFT;
  const height = TOP + Math.max(code.length, terminal.length) * LINE + COLUMN;
  const middle = right - BETWEEN / 2;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<title>A server whose key is a reference, and what a scan of its memory finds</title>',
    `<style>${STYLE}\n</style>`,
    `<rect class="card" width="${width}" height="${height}" rx="8"/>`,
    `<line class="rule" x1="${middle}" x2="${middle}" y1="16" y2="${height - 16}"/>`,
    `<text class="title words" x="${LEFT}" y="32">The server</text>`,
    `<text class="title words" x="${right}" y="32">Its memory, after handshakes</text>`,
    ...code.map((line, row) => textAt(LEFT, row, line, 'words')),
    ...terminal.map((line, row) => textAt(right, row, line, kindOf(line))),
    '</svg>',
    '',
  ].join('\n');
}
