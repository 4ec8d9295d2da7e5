import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fetchRuntime } from '@securemem/launch/runtime';
import { napiBackend } from '@securemem/napi';
import { childLimits, repetitions } from '@securemem/proof';
import { describe, expect, it, onTestFinished } from 'vitest';

const LONG = { timeout: 600_000 };
const program = (name: string) =>
  new URL(`../src/references/${name}.mjs`, import.meta.url).pathname;
const full = repetitions(10) === 10;

const backend = napiBackend();
const missing = backend.capabilities.keyReferences === 'none';
backend[Symbol.dispose]();

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'securemem-references-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** What a program said in one line, once it ended well. */
function said(name: string, args: readonly (string | number)[] = [], cwd?: string) {
  const command = [program(name), ...args.map(String)];
  const options = { ...childLimits(), encoding: 'utf8', maxBuffer: 2 ** 28, cwd } as const;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, command, options);
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  return JSON.parse(stdout);
}

type Answered = readonly (readonly [name: string, answer: string])[];

/** Those of the second that the first has not. */
function differences(without: Answered, with_: Answered) {
  expect(with_.length).toBe(without.length);
  return with_.flatMap(([name, answer], i) =>
    without[i]?.[1] === answer ? [] : [{ name, without: without[i]?.[1], with: answer }],
  );
}

describe.skipIf(missing)('K6 ordinary keys beside references', () => {
  it(
    'K6 a thousand files, hostile ones too, and hundreds of operations get the same answers and errors as without the provider, which comes last',
    LONG,
    () => {
      const count = full ? 1000 : 200;
      const without = said('answers', [count, 'without']);
      expect(without.operations.length).toBeGreaterThan(100);
      // The corpus is no corpus unless files of every kind are taken, and others refused.
      const answers = (without.files as Answered).map(([, answer]) => answer);
      expect(new Set(answers).size).toBeGreaterThan(100);
      for (const how of ['loaded', 'chosen']) {
        const loaded = said('answers', [count, how]);
        expect(differences(without.operations, loaded.operations)).toEqual([]);
        expect(differences(without.files, loaded.files)).toEqual([]);
        expect(loaded.figures).toEqual(without.figures);
        expect(loaded.before).toEqual(without.before);
        expect(loaded.after.slice(0, -1)).toEqual(without.after);
        expect(loaded.after.at(-1)).toMatch(/^securemem-/);
      }
    },
  );

  it('K6 two copies of the packages in one process have references of their own', LONG, () => {
    const directory = folder();
    const require = createRequire(import.meta.url);
    const own = dirname(require.resolve('@securemem/napi/package.json'));
    const of = createRequire(join(own, 'package.json'));
    for (const name of [
      '@securemem/napi',
      '@securemem/openssl',
      '@securemem/core',
      'node-gyp-build',
    ]) {
      const from = name === '@securemem/napi' ? own : dirname(of.resolve(`${name}/package.json`));
      const to = join(directory, 'node_modules', name);
      mkdirSync(dirname(to), { recursive: true });
      if (name === 'node-gyp-build') symlinkSync(from, to);
      for (const part of ['package.json', 'dist', 'prebuilds']) {
        if (name !== 'node-gyp-build' && (part !== 'prebuilds' || name !== '@securemem/core'))
          cpSync(join(from, part), join(to, part), { recursive: true });
      }
    }
    expect(said('two-copies', [directory])).toEqual({
      both: [3, 3],
      one: [0, 3],
      none: [0, 0],
      failures: [],
      providers: 2,
      served: 2,
    });
  });

  it(
    'K6 threads that have it and end leave ordinary keys as they were, and theirs refused',
    LONG,
    () => {
      const { said: during, ended, failures, served } = said('threads');
      expect(during).toEqual(Array(6).fill('signed'));
      expect(ended).toEqual(Array(6).fill('ERR_OSSL_SECUREMEM_KEY_HAS_ENDED'));
      expect(failures).toEqual([]);
      expect(served).toEqual(expect.any(String));
    },
  );
});

describe.skipIf(missing)('K7 hostile references', () => {
  it('K7 one that was guessed, changed or has ended is no key, and one of a thread ends with it', () => {
    const { 'another thread': ofAThread, ...seen } = said('hostile');
    for (const how of [
      'as it is',
      'as bytes, behind blanks, with other ends of lines',
      'with a passphrase',
    ]) {
      expect([how, seen[how]]).toEqual([how, 'true']);
      delete seen[how];
    }
    expect(Object.keys(seen)).toHaveLength(13);
    for (const [how, end] of Object.entries(seen))
      expect([how, end]).toEqual([how, expect.stringMatching(/^ERR_OSSL_/)]);
    expect(ofAThread).toEqual([
      ...['true', 'true'],
      ...['ERR_OSSL_UNSUPPORTED', 'ERR_OSSL_SECUREMEM_KEY_HAS_ENDED'],
    ]);
  });

  it('K7 files of its name in the working directory are not read, while it is open nor after its end', (ctx) => {
    const { during, after, read } = said('names', [], folder());
    ctx.skip(
      !read.includes('read on purpose'),
      'not proven: this file system keeps no times of access',
    );
    expect(read).toEqual(['read on purpose']);
    const refused = Array(6).fill('ERR_OSSL_UNSUPPORTED');
    expect(during).toEqual([...Array(2).fill(['true', 'object', 'private']).flat(), ...refused]);
    expect(after).toEqual([...refused, ...refused]);
  });
});

describe('K6 runtimes without an OpenSSL of their own', () => {
  const RUNTIMES = [
    ['Bun', '@oven/bun-linux-x64@1.4.5', 'bin/bun', []],
    ['Deno', '@deno/linux-x64-glibc@2.9.6', 'deno', ['run', '-A', '--quiet']],
  ] as const;

  /** What a runtime says, with a library loaded before everything else, or none. */
  function asked(directory: string, file: string, before: readonly string[], library: string) {
    const env = { ...process.env, LD_PRELOAD: library };
    const options = { ...childLimits(), encoding: 'utf8', env } as const;
    const args = [...before, program('none')];
    const { status, stdout, stderr } = spawnSync(join(directory, file), args, options);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  it.for(RUNTIMES)(
    'K6 %s has no references, also beside an OpenSSL that is not its own, and says so',
    LONG,
    ([, spec, file, before], ctx) => {
      ctx.skip(
        process.platform !== 'linux' || process.arch !== 'x64',
        'not proven: no such runtime',
      );
      let directory = '';
      try {
        directory = fetchRuntime(spec);
      } catch (error) {
        ctx.skip(`not proven: ${spec} cannot be fetched: ${String(error).split('\n').at(-1)}`);
      }
      for (const library of ['', 'libcrypto.so.3']) {
        const answer = asked(directory, file, before, library);
        expect(answer).toEqual({ keyReferences: 'none', code: 'ERR_SECMEM_NOT_SUPPORTED' });
      }
    },
  );
});
