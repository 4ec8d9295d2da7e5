/** Without a terminal a line stays where it was written, so there are few. */
const lineMs = 60_000;

/** One line on standard error about all targets: overwritten each second on a terminal, a new one each minute elsewhere. */
export class Progress {
  /** @type {Map<string, import('./target.mjs').TargetProgress>} */
  #reports = new Map();
  #seconds;
  #startedAt = Date.now();
  #shownAt = Date.now();

  /** @param {number} seconds */
  constructor(seconds) {
    this.#seconds = seconds;
  }

  /** @param {string} target @param {import('./target.mjs').TargetProgress} report */
  show(target, report) {
    this.#reports.set(target, report);
    const { isTTY } = process.stderr;
    if (!isTTY && Date.now() - this.#shownAt < lineMs) return;
    this.#shownAt = Date.now();
    process.stderr.write(isTTY ? `\r${this.#line()}\u001b[K` : `${this.#line()}\n`);
  }

  end() {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }

  #line() {
    const passed = Math.round((this.#shownAt - this.#startedAt) / 1000);
    const each = [...this.#reports].map(
      ([target, { runs, features }]) => `${target} ${runs} runs, ${features} features`,
    );
    return `${passed} of ${this.#seconds} s: ${each.join('; ')}`;
  }
}
