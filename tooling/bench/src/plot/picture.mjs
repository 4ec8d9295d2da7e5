import { init } from 'echarts';
import { lookOf } from './subjects.mjs';

/**
 * From a chart of ECharts to a picture that looks right on a light page and on a dark one. ECharts writes colours into the
 * picture, so each is given as that of the light page, and becomes a variable with a value for either afterwards.
 */
const fontFamily = '-apple-system, BlinkMacSystemFont, Segoe UI, Helvetica, Arial, sans-serif';
const fontSize = 12;
const footerLineHeight = 15;

/** What is drawn the same in every picture. No two may have one colour on the light page. */
const inks = {
  card: { light: '#ffffff', dark: '#0d1117' },
  words: { light: '#1f2328', dark: '#f0f6fc' },
  quiet: { light: '#59636f', dark: '#9198a1' },
  grid: { light: '#d1d9e0', dark: '#3d444d' },
  faint: { light: '#e9edf1', dark: '#22272e' },
  axis: { light: '#818b98', dark: '#656c76' },
};

/** @param {keyof typeof inks} name */
export function ink(name) {
  return inks[name].light;
}

export const width = 860;
/** Where a plot begins, below title and subtitle. */
export const top = 70;

/** An axis in powers that shows a line for each. */
export const powers = {
  type: 'log',
  axisLine: { show: false },
  axisTick: { show: false },
  splitLine: { lineStyle: { color: ink('grid') } },
};

/**
 * @param {{ title: string, subtitle: string, footer: readonly string[], height: number }} frame height without the footer
 * @param {Record<string, any>} option of ECharts
 * @param {readonly string[]} subjects
 */
export function picture({ title, subtitle, footer, height: above }, option, subjects) {
  const height = above + footerLineHeight * footer.length + 14;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  const { graphic = [], ...rest } = option;
  chart.setOption({
    animation: false,
    backgroundColor: ink('card'),
    textStyle: { fontFamily, fontSize, color: ink('words') },
    title: {
      ...{ text: title, subtext: subtitle, left: 16, top: 10, itemGap: 7 },
      textStyle: { fontSize: 16, color: ink('words') },
      subtextStyle: { fontSize, color: ink('quiet') },
    },
    graphic: [
      ...graphic,
      ...footer.map((words, i) => text(20, above + footerLineHeight * i, words, 'quiet', 11)),
    ],
    ...rest,
  });
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return inBothThemes(drawn, subjects, `${title}. ${subtitle}`);
}

/**
 * Words at a place of their own.
 * @param {number} left @param {number} y @param {string} words
 * @param {keyof typeof inks} [colour] @param {number} [size] @param {number} [fontWeight]
 */
export function text(left, y, words, colour = 'words', size = fontSize, fontWeight = 400) {
  const font = { fontFamily, fontSize: size, fontWeight };
  return {
    type: 'text',
    left,
    top: y,
    z: 20,
    silent: true,
    style: { text: words, fill: ink(colour), ...font },
  };
}

/** @param {string} drawn @param {readonly string[]} subjects @param {string} alternative */
function inBothThemes(drawn, subjects, alternative) {
  const own = [...new Set(subjects)].map((subject) => [subject, lookOf(subject)]);
  const colours = Object.fromEntries([...Object.entries(inks), ...own]);
  let svg = drawn
    .replaceAll(/\bzr\d+-/g, 'zr-')
    // Nobody hovers over a picture; its numbered classes would differ from run to run.
    .replaceAll(/ class="zr-cls-\d+"/g, '')
    .replaceAll(/<style ><!\[CDATA\[.*?\]\]>\s*<\/style>/gs, '')
    .replaceAll(/#fff\b/gi, inks.card.light);
  for (const [name, { light }] of Object.entries(colours)) {
    svg = svg.replaceAll(new RegExp(light, 'gi'), `var(--${name})`);
  }
  const values = (/** @type {'light' | 'dark'} */ theme) =>
    Object.entries(colours)
      .map(([name, colour]) => `--${name}: ${colour[theme]}`)
      .join('; ');
  const style = `<style>svg { ${values('light')} }
@media (prefers-color-scheme: dark) { svg { ${values('dark')} } }</style>`;
  const [opening] = /^<svg[^>]*>/.exec(svg) ?? [''];
  const described = opening.replace('>', ' role="img">');
  return `${described}\n<title>${escaped(alternative)}</title>\n${style}${svg.slice(opening.length)}\n`;
}

/** @param {string} words */
function escaped(words) {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
