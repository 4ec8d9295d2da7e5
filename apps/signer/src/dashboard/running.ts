import { byId, setText } from './page.js';
import type { LogEntry, Sample } from './sample.js';

const TICK_MS = 200;

/** The share of the work that is done; NaN where only events tell. */
type Share = (sample: Sample) => number;

/** Shows that something runs, for how long, and how far it is where that is known. One thing at a time. */
class Running {
  #startedAt = 0;
  #timer = 0;
  #share: Share | undefined;

  start(what: string, share?: Share): void {
    this.#startedAt = performance.now();
    this.#share = share;
    setText('running-what', what);
    byId('running').hidden = false;
    byId('hero').hidden = true;
    byId('outcome').dataset['running'] = '';
    const progress = byId<HTMLProgressElement>('running-progress');
    if (share === undefined) progress.removeAttribute('value');
    else progress.value = 0;
    this.#tick();
    this.#timer = window.setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    window.clearInterval(this.#timer);
    this.#share = undefined;
    byId('running').hidden = true;
    delete byId('outcome').dataset['running'];
  }

  /** Every sample, whether something runs or not. */
  sample(sample: Sample): void {
    const share = this.#share?.(sample);
    if (share !== undefined && !Number.isNaN(share)) this.#progress(share);
  }

  /** Some work says in an event how far it is: `100000 of 1000000 …`. */
  event({ kind, text }: LogEntry): void {
    const [, done, all] = /^(\d+) of (\d+) /.exec(text) ?? [];
    if (kind === 'credentials' && all !== undefined) this.#progress(Number(done) / Number(all));
  }

  #progress(share: number): void {
    byId<HTMLProgressElement>('running-progress').value = Math.min(1, Math.max(0, share));
  }

  #tick(): void {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    setText('running-time', `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`);
  }
}

export const running = new Running();
