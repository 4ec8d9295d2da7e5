import { expect, it } from 'vitest';
import { barPlot } from '../src/plot/bar-plot.mjs';
import { linePlot } from '../src/plot/line-plot.mjs';
import { rangePlot } from '../src/plot/range-plot.mjs';

const label = (value: number) => `${value} units`;
const frame = { title: 'A & B', subtitle: 's', footer: ['f'] };

const lines = () =>
  linePlot({
    ...frame,
    curves: [
      {
        subject: 'buffer',
        points: [
          { x: 10, y: 2 },
          { x: 100, y: 20 },
        ],
      },
      { subject: 'sodium-native', points: [] },
    ],
    failures: [
      { subject: 'buffer', x: 100, y: 20, words: ['Buffer', 'refused at 100'] },
      { subject: 'syscalls', x: 101, y: 20, words: ['calls', 'failed'] },
    ],
    levels: [{ y: 50, words: 'limit' }],
    x: { title: 'x', base: 10, label },
    y: { title: 'y', base: 10, label },
  });

/** Where words stand. ECharts gives each text a transform with its place at the end. */
function placeOf(svg: string, words: string) {
  const found = new RegExp(`<text[^>]*translate\\(([\\d.]+) ([\\d.]+)\\)"[^>]*>${words}<`).exec(
    svg,
  );
  return { x: Number(found?.[1]), y: Number(found?.[2]) };
}

it('linePlot() says of each failure what it is, and keeps the words of two at one place apart', () => {
  const svg = lines();
  for (const words of ['refused at 100', 'failed', 'limit']) expect(svg).toContain(`>${words}<`);
  const [one, other] = [placeOf(svg, 'Buffer'), placeOf(svg, 'calls')];
  expect(Math.abs(one.y - other.y)).toBeGreaterThanOrEqual(24);
});

it('linePlot() leaves a subject without points out of the picture', () => {
  expect(lines()).not.toContain('sodium-native');
});

it('rangePlot() writes the median and its ratio in words beside each range', () => {
  const range = { subject: 'buffer', median: 10, low: 1, high: 100, value: 'ten', ratio: '2×' };
  const svg = rangePlot({ ...frame, label, groups: [{ title: 'g', ranges: [range] }] });
  for (const words of ['Buffer', 'ten', '2×', 'g', '100 units'])
    expect(svg).toContain(`>${words}<`);
});

it('barPlot() draws what got all of it as long as the scale, and nothing as hardly anything', () => {
  const bar = (value: number) => ({
    subject: 'buffer',
    label: `l${value}`,
    value,
    words: `w${value}`,
  });
  const groups = [{ title: 'g', bars: [bar(0), bar(500), bar(1000)] }];
  const svg = barPlot({ ...frame, whole: 1000, axis: 'signed', groups });
  // The right edge of a bar is the largest x on its outline.
  const edges = [...svg.matchAll(/<path d="([^"]*)" fill="var\(--buffer\)"/g)].map(([, d = '']) =>
    Math.max(...[...d.matchAll(/([\d.]+) [\d.]+(?=[A-Z])/g)].map(([, x]) => Number(x))),
  );
  const [none = 0, half = 0, all = 0] = edges;
  expect(edges).toHaveLength(3);
  expect(none).toBeLessThan(half);
  expect(half).toBeLessThan(all);
});

it('a picture is the same each time, names both themes, and escapes what it is told', () => {
  const [first, second] = [lines(), lines()];
  expect(second).toBe(first);
  expect(first).toContain('<title>A &amp; B. s</title>');
  expect(first).toContain('prefers-color-scheme: dark');
  expect(first).not.toMatch(/NaN|undefined|Infinity/);
  // Words in a colour that no theme changes would vanish on one of the two pages.
  const fills = [...first.matchAll(/<text[^>]* fill="([^"]*)"/g)].map(([, fill]) => fill);
  expect(fills.length).toBeGreaterThan(10);
  expect(fills.filter((fill) => !fill?.startsWith('var('))).toEqual([]);
});
