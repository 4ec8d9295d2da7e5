import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fullRunVariable } from '@securemem/proof';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What came of test files under another program. */
export interface Elsewhere {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Files that were run, of those that were named. */
  readonly files: number;
}

/** Runs test files of this workspace, named by their paths from its root, with another Node, as a usual run does. */
export function runTestsWith(program: string, files: readonly string[]): Elsewhere {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-elsewhere-'));
  try {
    const output = join(folder, 'report.json');
    const runner = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
    const report = ['--reporter', 'json', '--outputFile', output, '--maxWorkers', '1'];
    const { stderr } = spawnSync(program, [runner, 'run', ...report, ...files], {
      cwd: ROOT,
      encoding: 'utf8',
      env: ownEnvironment(),
    });
    return read(output, stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Without what a test runner tells the tests that it runs. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) => name !== fullRunVariable && !/^(VITEST|VITE_|NODE_ENV$|TEST$)/.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function read(output: string, stderr: string): Elsewhere {
  let report: string;
  try {
    report = readFileSync(output, 'utf8');
  } catch {
    throw new Error(`the runner ended without a report: ${stderr.slice(-2000)}`);
  }
  const { numPassedTests, testResults } = JSON.parse(report) as {
    numPassedTests: number;
    testResults: {
      status: string;
      message: string;
      name: string;
      assertionResults: { status: string; fullName: string; failureMessages: string[] }[];
    }[];
  };
  const failed = testResults.flatMap(({ status, name, message, assertionResults }) => {
    const tests = assertionResults.filter((one) => one.status === 'failed');
    const lines = tests.map((one) => `${one.fullName}: ${one.failureMessages[0]}`);
    return status === 'failed' && lines.length === 0 ? [`${name}: ${message}`] : lines;
  });
  return { passed: numPassedTests, failed, files: testResults.length };
}
