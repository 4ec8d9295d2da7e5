import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cli, run } from './run-cli.js';

/** A whole run of the suite; a busy machine takes many times what a quiet one does. */
const WHOLE_RUN_MS_MAX = 600_000;

const subject = (name: string): string =>
  fileURLToPath(new URL(`./subjects/${name}.mjs`, import.meta.url));

const only = (...ids: string[]): string[] => ids.flatMap((id) => ['--only', id]);

describe('conformance', () => {
  it(
    'ends with 0 for a backend that keeps its promises, and says which it makes',
    () => {
      const { code, stdout } = run(cli('conformance', subject('honest')));
      expect(stdout).toMatch(/^nolock: /);
      expect(stdout).toMatch(/locking +none/);
      expect(stdout).toMatch(/\d+ passed, 0 failed/);
      expect(code).toBe(0);
    },
    WHOLE_RUN_MS_MAX,
  );

  it(
    'ends with 1 for one that does not, and names the requirement, the reason and the contract',
    () => {
      const { code, stdout } = run(
        cli('conformance', subject('forgetful'), ...only('wipe-exact', 'unmap-wipes', 'map-ids')),
      );
      expect(code).toBe(1);
      expect(stdout).toMatch(/BREAKS THE CONTRACT/);
      expect(stdout).toMatch(/FAIL \S*wip/);
      expect(stdout).toMatch(/promised in /);
    },
    WHOLE_RUN_MS_MAX,
  );

  it(
    'has a report for one that crashes the process too',
    () => {
      const { code, stdout } = run(
        cli('conformance', subject('crasher'), ...only('misuse-empty', 'misuse-map-length')),
      );
      expect(code).toBe(1);
      expect(stdout).toMatch(/FAIL misuse-empty/);
      expect(stdout).toContain('the process died by SIGKILL');
      expect(stdout).toMatch(/ok +misuse-map-length/);
    },
    WHOLE_RUN_MS_MAX,
  );

  it(
    'prints the report as JSON and repeats a run by its seed',
    () => {
      const { stdout } = run(
        cli('conformance', subject('honest'), '--json', '--seed', '7', ...only('model-sequences')),
      );
      expect(JSON.parse(stdout)).toMatchObject({ failed: 0, seed: 7, backend: { name: 'nolock' } });
    },
    WHOLE_RUN_MS_MAX,
  );

  it('runs the requirements that are named alone', () => {
    const line = [subject('honest'), ...only('misuse-range', 'map-zeroed')];
    const { code, stdout } = run(cli('conformance', ...line));
    expect(stdout).toContain('2 passed, 0 failed, 0 not proven');
    expect(code).toBe(0);
  });

  it('N29 tells its version, and what a misspelt command or requirement was meant to be', () => {
    expect(run(cli('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run(cli('docter')).stderr).toContain('no command docter; did you mean doctor?');
    const option = run(cli('doctor', '--secret', '3')).stderr;
    expect(option).toContain('no option --secret; did you mean --secrets?');
    expect(run(cli('conformance', 'x', '--onyl', 'y')).stderr).toContain('did you mean --only?');
    expect(run(cli('doctor', '--frobnicate')).stderr).toMatch(
      /^securemem: no option --frobnicate\n/,
    );
    const misspelt = run(cli('conformance', subject('honest'), '--only', 'dump-flg'));
    expect(misspelt).toMatchObject({ code: 2, stdout: '' });
    expect(misspelt.stderr).toContain('did you mean dump-flag?');
  });

  it.each([
    ['no file', 'conformance'],
    ['two files', 'conformance', subject('honest'), subject('honest')],
    ['a file that is not there', 'conformance', './no-such-backend.js'],
    ['a module that opens nothing', 'conformance', subject('nothing')],
    ['an unknown option', 'conformance', subject('honest'), '--fast'],
    ['a seed that is none', 'conformance', subject('honest'), '--seed', 'x'],
  ])('ends with 2 for %s', (_, ...args) => {
    const { code, stdout, stderr } = run(cli(...args));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^securemem: .+/);
  });
});
