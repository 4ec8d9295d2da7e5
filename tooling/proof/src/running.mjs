/** Which test files run at this moment, since when, and which of their tests: so that a run that stands still can say where. */
export class Running {
  /** @type {Map<string, { sinceMs: number, tests: Set<string> }>} */
  #files = new Map();

  /** @param {string} file @param {number} [nowMs] */
  start(file, nowMs = performance.now()) {
    this.#files.set(file, { sinceMs: nowMs, tests: new Set() });
  }

  /** @param {string} file @param {string} test */
  startTest(file, test) {
    this.#files.get(file)?.tests.add(test);
  }

  /** @param {string} file @param {string} test */
  endTest(file, test) {
    this.#files.get(file)?.tests.delete(test);
  }

  /** @param {string} file */
  end(file) {
    this.#files.delete(file);
  }

  /**
   * The files that have run for `ms` milliseconds or longer, each with the tests that have begun and not ended. A test that blocks
   * its thread may be missing: its beginning is told from that thread.
   * @param {number} ms @param {number} [nowMs]
   */
  longerThan(ms, nowMs = performance.now()) {
    return [...this.#files]
      .map(([file, { sinceMs, tests }]) => ({
        file,
        tests: [...tests],
        durationMs: nowMs - sinceMs,
      }))
      .filter(({ durationMs }) => durationMs >= ms);
  }
}
