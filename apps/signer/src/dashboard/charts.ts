import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { byId, make } from './page.js';
import type { Sample } from './sample.js';
import { duration } from './sample-text.js';

/** One minute at four samples a second. */
const POINTS_MAX = 240;
const WINDOW_S = 60;
const HEIGHT_PX = 140;
const KIB = 1_024;

interface Series {
  readonly label: string;
  /** The name of a colour of the style sheet. */
  readonly colour: string;
  readonly value: (sample: Sample) => number | null;
}

/** A chart of the last minute that redraws itself with the page's colours and width. */
class LiveChart {
  readonly #host: HTMLElement;
  readonly #series: readonly Series[];
  readonly #text: (value: number) => string;
  readonly #data: (number | null)[][];
  #plot: uPlot;

  constructor(id: string, series: readonly Series[], text: (value: number) => string = String) {
    this.#host = byId(id);
    this.#series = series;
    this.#text = text;
    this.#data = [[], ...series.map(() => [])];
    this.#plot = this.#draw();
    this.#host.after(legendOf(series));
    new ResizeObserver(() => {
      this.#plot.setSize({ width: this.#host.clientWidth, height: HEIGHT_PX });
    }).observe(this.#host);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#plot.destroy();
      this.#plot = this.#draw();
    });
  }

  add(sample: Sample): void {
    const values = [sample.at / 1_000, ...this.#series.map(({ value }) => value(sample))];
    for (const [at, column] of this.#data.entries()) {
      column.push(values[at] ?? null);
      if (column.length > POINTS_MAX) column.shift();
    }
    this.#plot.setData(this.#data as uPlot.AlignedData);
  }

  #draw(): uPlot {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--grid'), width: 1 },
      ticks: { show: false },
    };
    const options: uPlot.Options = {
      width: this.#host.clientWidth || 300,
      height: HEIGHT_PX,
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: (_, __, max) => [max - WINDOW_S, max] },
        y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] },
      },
      axes: [
        { ...axis, size: 28, values: (plot, splits) => splits.map((split) => ago(plot, split)) },
        { ...axis, size: 52, values: (_, splits) => splits.map(this.#text) },
      ],
      series: [
        {},
        ...this.#series.map(({ label, colour: name }) => ({
          label,
          stroke: colour(name),
          width: 2,
          points: { show: false },
        })),
      ],
    };
    return new uPlot(options, this.#data as uPlot.AlignedData, this.#host);
  }
}

/** Times age: what is drawn is so many seconds old. */
function ago(plot: uPlot, at: number): string {
  const seconds = Math.round((plot.scales['x']?.max ?? at) - at);
  return seconds === 0 ? 'now' : `-${seconds} s`;
}

function legendOf(series: readonly Series[]): HTMLElement {
  const list = make('ul', '', { class: 'legend' });
  for (const { label, colour } of series) {
    const item = make('li');
    const swatch = make('span', '', { class: 'swatch' });
    swatch.style.background = `var(${colour})`;
    item.append(swatch, make('span', label));
    list.append(item);
  }
  return list;
}

/** All charts of the page; give them every sample. Where there is nothing to show there is a gap, not an old value. */
export function createCharts(): (sample: Sample) => void {
  const memory = new LiveChart('chart-memory', [
    {
      label: 'locked',
      colour: '--accent',
      value: ({ figures }) => (figures?.lockedByteLength ?? 0) / KIB,
    },
    {
      label: 'limit',
      colour: '--bad',
      value: ({ figures }) => (figures === undefined ? null : figures.limitByteLength / KIB),
    },
  ]);
  const queue = new LiveChart('chart-queue', [
    {
      label: 'waiting for a place',
      colour: '--series-2',
      value: ({ figures }) => figures?.waiting ?? null,
    },
  ]);
  const percentile = (name: 'p50Ms' | 'p95Ms' | 'p99Ms') => (sample: Sample) =>
    sample.latency.samples === 0 ? null : sample.latency[name];
  const latency = new LiveChart(
    'chart-latency',
    [
      { label: 'half within', colour: '--accent', value: percentile('p50Ms') },
      { label: '95 %', colour: '--series-2', value: percentile('p95Ms') },
      { label: '99 %', colour: '--series-3', value: percentile('p99Ms') },
    ],
    duration,
  );
  return (sample) => {
    for (const chart of [memory, queue, latency]) chart.add(sample);
  };
}
