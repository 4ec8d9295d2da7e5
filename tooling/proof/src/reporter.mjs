import { basename, relative } from 'node:path';
import { Running } from './running.mjs';

/** A vitest reporter that prints one line per file, failures in full, and keeps every outcome. */
export class ProofReporter {
  /** @type {import('./tally.mjs').Outcome[]} */
  outcomes = [];
  /** @type {{ file: string, durationMs: number }[]} */
  files = [];
  running = new Running();
  /** @type {import('vitest/node').Vitest | undefined} */
  #vitest;
  /** @type {Map<string, string[]>} what tests printed, by task: shown only for files that failed */
  #printed = new Map();

  /** @param {import('vitest/node').Vitest} vitest */
  onInit(vitest) {
    this.#vitest = vitest;
  }

  /** @param {import('vitest').UserConsoleLog} log */
  onUserConsoleLog(log) {
    const file = log.taskId?.split('_')[0] ?? '';
    this.#printed.set(file, [...(this.#printed.get(file) ?? []), log.content]);
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleQueued(module) {
    this.running.start(this.#fileOf(module));
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseReady(test) {
    this.running.startTest(this.#fileOf(test.module), test.fullName);
  }

  /** @param {import('vitest/node').TestCase} test */
  onTestCaseResult(test) {
    this.running.endTest(this.#fileOf(test.module), test.fullName);
  }

  /** @param {import('vitest/node').TestModule} module */
  onTestModuleEnd(module) {
    const project = module.project.name;
    const file = this.#fileOf(module);
    this.running.end(file);
    const durationMs = module.diagnostic().duration;
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const test of module.children.allTests()) {
      const outcome = this.#outcome(test, project, file);
      counts[outcome.state] += 1;
      this.outcomes.push(outcome);
    }
    const broken = module.errors();
    if (broken.length > 0) this.#fail(project, file, basename(file));
    this.files.push({ file, durationMs });
    const mark = counts.failed + broken.length > 0 ? 'FAIL' : counts.skipped > 0 ? 'part' : 'ok  ';
    write(`${mark} ${file}  ${describeCounts(counts)}  ${(durationMs / 1000).toFixed(1)} s`);
    if (mark === 'FAIL') this.#explain(module);
  }

  /** @param {import('vitest/node').TestModule} module */
  #fileOf(module) {
    return relative(this.#vitest?.config.root ?? '', module.moduleId);
  }

  /** @param {import('vitest/node').TestCase} test @param {string} project @param {string} file */
  #outcome(test, project, file) {
    const result = test.result();
    /** @type {import('./tally.mjs').Outcome} */
    const outcome = {
      project,
      file,
      name: test.fullName,
      state: result.state === 'pending' ? 'failed' : result.state,
      durationMs: test.diagnostic()?.duration ?? 0,
    };
    if (result.state === 'skipped' && result.note !== undefined) outcome.note = result.note;
    return outcome;
  }

  /** @param {string} project @param {string} file @param {string} name */
  #fail(project, file, name) {
    this.outcomes.push({ project, file, name, state: 'failed', durationMs: 0 });
  }

  /** @param {import('vitest/node').TestModule} module */
  #explain(module) {
    const logger = this.#vitest?.logger;
    for (const error of module.errors()) logger?.printError(error, { project: module.project });
    for (const suite of module.children.allSuites()) {
      for (const error of suite.errors()) logger?.printError(error, { project: module.project });
    }
    for (const test of module.children.allTests('failed')) {
      write(`\n  FAILED  ${test.fullName}`);
      for (const error of test.result().errors ?? []) {
        logger?.printError(error, { project: module.project });
      }
    }
    for (const text of this.#printed.get(module.id) ?? []) write(`  | ${text.trimEnd()}`);
  }

  /** @param {readonly import('vitest/node').TestModule[]} modules @param {readonly import('vitest').SerializedError[]} unhandled */
  onTestRunEnd(modules, unhandled) {
    for (const error of unhandled) {
      write('\n  FAILED  outside of any test');
      this.#vitest?.logger.printError(error);
      this.#fail('', '', 'an error outside of any test');
    }
    // A file whose worker died reports nothing; without this it would be missing instead of failed.
    for (const module of modules) {
      const file = this.#fileOf(module);
      if (!this.files.some((ended) => ended.file === file)) {
        this.#fail(module.project.name, file, basename(file));
      }
    }
  }
}

/** @param {{ passed: number, failed: number, skipped: number }} counts */
function describeCounts(counts) {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
}

/** @param {string} line */
function write(line) {
  process.stdout.write(`${line}\n`);
}
