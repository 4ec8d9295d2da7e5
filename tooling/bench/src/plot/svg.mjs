/** The pieces of a picture as text. Nothing here knows what is drawn. */

/** DejaVu Sans, which many Linux systems show, is so much wider than Helvetica. */
const widerFonts = 1.13;
const fontFamily = '-apple-system, BlinkMacSystemFont, "Segoe UI", Helvetica, Arial, sans-serif';

/**
 * @param {string} name @param {Record<string, string | number>} attributes
 * @param {string} [content] markup, or text that went through `escaped`
 */
export function element(name, attributes, content) {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escaped(value)}"`)
    .join('');
  return content === undefined ? `<${name}${written}/>` : `<${name}${written}>${content}</${name}>`;
}

/** @param {number} x @param {number} y @param {string} words @param {Record<string, string | number>} [attributes] */
export function text(x, y, words, attributes = {}) {
  return element('text', { x, y, ...attributes }, escaped(words));
}

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {Record<string, string | number>} attributes */
export function line(x1, y1, x2, y2, attributes) {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

/** @param {string} words */
export function escaped(words) {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A tenth of a pixel is more than anyone sees. @param {number} value */
function short(value) {
  return String(Math.round(value * 10) / 10);
}

/**
 * About how wide the words are: the widths of Helvetica, and a little more for the fonts that are wider.
 * @param {string} words @param {number} fontSize
 */
export function textWidth(words, fontSize) {
  let em = 0;
  for (const letter of words) {
    if (/[iljtfr.,:;'|!()[\] ·-]/.test(letter)) em += 0.31;
    else if (/[mwMW%@]/.test(letter)) em += 0.87;
    else if (/[A-Z_–×µ]/.test(letter)) em += 0.68;
    else em += 0.556;
  }
  return em * fontSize * widerFonts;
}

/**
 * The whole picture: a card with a title, that looks right on a light page and on a dark one.
 * @param {{ width: number, height: number, title: string, subtitle: string, footer: readonly string[] }} frame
 * @param {string} style @param {readonly string[]} content
 */
export function picture({ width, height, title, subtitle, footer }, style, content) {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
    'font-family': fontFamily,
    'font-size': 12.5,
  };
  const foot = footer.map((words, i) => {
    const y = height - 14 - 15 * (footer.length - 1 - i);
    return text(20, y, words, { class: 'quiet', 'font-size': 11 });
  });
  const inside = [
    element('title', {}, escaped(`${title}. ${subtitle}`)),
    element('style', {}, `\n${style}`),
    element('rect', {
      ...{ x: 0.5, y: 0.5, width: width - 1, height: height - 1, rx: 8 },
      class: 'card',
    }),
    text(20, 31, title, { class: 'strong', 'font-size': 16, 'font-weight': 600 }),
    text(20, 51, subtitle, { class: 'quiet' }),
    ...content,
    ...foot,
  ];
  return `${element('svg', attributes, `\n${inside.join('\n')}\n`)}\n`;
}
