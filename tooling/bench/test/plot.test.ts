import { describe, expect, it } from 'vitest';
import { logAxis } from '../src/plot/axis.mjs';
import { linePlot } from '../src/plot/line-plot.mjs';
import { boxAround, boxesAlong, overlap, placeAll, placeBeside } from '../src/plot/places.mjs';
import { rangePlot } from '../src/plot/range-plot.mjs';
import { element, escaped, textWidth } from '../src/plot/svg.mjs';

const label = (value: number) => String(value);

describe('logAxis()', () => {
  it('extends to whole powers and puts equal ratios at equal distances', () => {
    const axis = logAxis({ from: 3, to: 700, base: 10, start: 100, end: 400, label });
    expect(axis.ticks.map((tick) => tick.label)).toEqual(['1', '10', '100', '1000']);
    expect([1, 10, 1000].map((value) => Math.round(axis.at(value)))).toEqual([100, 200, 400]);
    expect(axis.between).toHaveLength(3 * 8);
  });

  it('counts in units, upwards where the end is above the start', () => {
    const scale = { from: 4096, to: 65536, base: 16, start: 400, end: 100, label };
    const axis = logAxis(scale, 4096);
    expect(axis.ticks.map(({ value }) => value)).toEqual([4096, 65536]);
    expect(axis.at(65536)).toBe(100);
  });

  it('has a length even where there is one value only', () => {
    const axis = logAxis({ from: 10, to: 10, base: 10, start: 0, end: 100, label });
    expect(axis.ticks).toHaveLength(2);
    expect(axis.at(10)).toBe(0);
  });
});

describe('placeBeside()', () => {
  const inside = { left: 0, top: 0, right: 400, bottom: 300 };
  const size = { width: 100, height: 30 };

  it('stays inside and off everything that is taken', () => {
    const point = { x: 390, y: 150 };
    const taken = [boxAround({ x: 330, y: 150 }, 30), boxAround(point, 10)];
    const { box, leader } = placeBeside(point, size, inside, taken).place;
    expect(overlap(box, inside)).toBeCloseTo(size.width * size.height);
    expect(taken.map((each) => overlap(box, each))).toEqual([0, 0]);
    expect(leader === undefined || overlap(boxAround(leader, 1), box) > 0).toBe(true);
  });

  it('leads no line through the words of another', () => {
    const point = { x: 200, y: 150 };
    const words = [boxAround({ x: 200, y: 100 }, 40)];
    // Everything near is taken, so that a line is needed.
    const taken = [boxAround(point, 70)];
    const { box, leader } = placeBeside(point, size, inside, taken, words).place;
    const line = boxesAlong([point, leader ?? point]);
    expect(line.map((each) => overlap(each, words[0]!)).filter((area) => area > 0)).toEqual([]);
    expect(overlap(box, words[0]!)).toBe(0);
  });

  it('takes the nearest place where all are free', () => {
    expect(placeBeside({ x: 100, y: 100 }, size, inside, []).place).toEqual({
      box: { left: 112, top: 85, right: 212, bottom: 115 },
      leader: undefined,
    });
  });
});

it('placeAll() keeps the words of all apart', () => {
  const inside = { left: 0, top: 0, right: 400, bottom: 300 };
  const size = { width: 120, height: 30 };
  const all = [100, 110, 120, 130].map((y) => ({ point: { x: 200, y }, size }));
  const boxes = placeAll(all, inside, []).map(({ box }) => box);
  expect(boxes).toHaveLength(4);
  for (const [i, one] of boxes.entries()) {
    expect(boxes.slice(i + 1).map((other) => overlap(one, other))).toEqual(
      boxes.slice(i + 1).map(() => 0),
    );
  }
});

it('element() and escaped() write what a parser reads back as it was', () => {
  expect(escaped('a < b & "c"')).toBe('a &lt; b &amp; &quot;c&quot;');
  expect(element('text', { x: 1.26, class: 'a"b' }, 'c')).toBe(
    '<text x="1.3" class="a&quot;b">c</text>',
  );
});

it('textWidth() grows with the words and with the size of the letters', () => {
  expect(textWidth('mm', 10)).toBeGreaterThan(textWidth('il', 10));
  expect(textWidth('ab', 20)).toBe(2 * textWidth('ab', 10));
});

it('linePlot() draws each failure with a cross and its words, and those at one place together', () => {
  const at = { x: 100, y: 20 };
  const svg = linePlot({
    title: 'A & B',
    subtitle: 's',
    footer: ['f'],
    curves: [
      { subject: 'buffer', points: [{ x: 10, y: 2 }, at] },
      { subject: 'sodium-native', points: [] },
    ],
    failures: [
      { subject: 'buffer', ...at, words: ['Buffer', 'refused at 100'] },
      { subject: 'syscalls', x: 101, y: 20, words: ['calls', 'failed'] },
    ],
    levels: [{ y: 50, words: 'limit' }],
    x: { title: 'x', base: 10, label },
    y: { title: 'y', base: 10, label },
  });
  expect(svg).toContain('A &amp; B');
  expect(svg.match(/stroke-width="3"/g)).toHaveLength(2);
  for (const words of ['refused at 100', 'failed', 'limit']) expect(svg).toContain(`>${words}<`);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

it('rangePlot() puts the bar from the lower to the upper quartile, around the mark of the median', () => {
  const range = { subject: 'buffer', median: 10, low: 1, high: 100, value: 'ten', ratio: '2×' };
  const svg = rangePlot({
    ...{ title: 't', subtitle: 's', footer: [], label },
    groups: [{ title: 'g', ranges: [range] }],
  });
  const [, from, to] = /<line x1="([\d.]+)"[^>]*x2="([\d.]+)"[^>]*stroke-width="7"/.exec(svg) ?? [];
  const [, middle] = /d="M([\d.]+) /.exec(svg) ?? [];
  expect((Number(from) + Number(to)) / 2).toBeCloseTo(Number(middle) + 5, 0);
  expect(svg).toContain('>ten<');
});
