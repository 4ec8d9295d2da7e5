import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { byId } from './page.js';
import type { Sample } from './sample.js';

/** One minute at four samples a second. */
const POINTS_MAX = 240;
const HEIGHT_PX = 170;

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
  readonly #data: (number | null)[][];
  #plot: uPlot;

  constructor(id: string, series: readonly Series[]) {
    this.#host = byId(id);
    this.#series = series;
    this.#data = [[], ...series.map(() => [])];
    this.#plot = this.#draw();
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
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line') } };
    const options: uPlot.Options = {
      width: this.#host.clientWidth || 300,
      height: HEIGHT_PX,
      cursor: { show: false },
      legend: { live: false },
      scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
      axes: [axis, { ...axis, size: 55 }],
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

/** All charts of the page; give them every sample. */
export function createCharts(): (sample: Sample) => void {
  const memory = new LiveChart('chart-memory', [
    {
      label: 'locked KiB',
      colour: '--accent',
      value: (s) => (s.figures?.lockedByteLength ?? 0) / 1_024,
    },
    {
      label: 'limit KiB',
      colour: '--bad',
      value: (s) => (s.figures === undefined ? null : s.figures.limitByteLength / 1_024),
    },
  ]);
  const queue = new LiveChart('chart-queue', [
    { label: 'waiting', colour: '--series-2', value: (s) => s.figures?.waiting ?? 0 },
    { label: 'live secrets', colour: '--accent', value: (s) => s.figures?.secrets ?? 0 },
  ]);
  const latency = new LiveChart('chart-latency', [
    { label: '50 % ms', colour: '--accent', value: (s) => s.latency.p50Ms },
    { label: '95 % ms', colour: '--series-2', value: (s) => s.latency.p95Ms },
    { label: '99 % ms', colour: '--series-3', value: (s) => s.latency.p99Ms },
  ]);
  return (sample) => {
    for (const chart of [memory, queue, latency]) chart.add(sample);
  };
}
