import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { repetitions } from '@securemem/proof';
import { describe, expect, it, type TestContext } from 'vitest';
import { LIBSECP256K1, SECP256K1_FLAGS } from '../../scripts/libsecp256k1.mjs';

const full = repetitions(10) === 10;
const SOURCES = ['precomputed_ecmult.c', 'precomputed_ecmult_gen.c'];

/** The files that are the library's, by their names in `SHA256SUMS`. */
function vendored(): string[] {
  return readdirSync(LIBSECP256K1, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(LIBSECP256K1, join(entry.parentPath, entry.name)))
    .filter((name) => name !== 'README.md' && name !== 'SHA256SUMS')
    .sort();
}

/** Compiles with the flags of the addon and runs; gives what was printed, and how it ended. */
function compileAndRun(ctx: TestContext, sources: string[], flags: string[], run: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'libsecp256k1-'));
  try {
    const program = join(folder, 'program');
    const paths = [...sources, ...SOURCES].map((name) => join(LIBSECP256K1, 'src', name));
    const line = ['-O2', '-w', ...SECP256K1_FLAGS, ...flags, ...paths, '-o', program];
    const compiled = spawnSync('gcc', line, { encoding: 'utf8' });
    if (compiled.error !== undefined) ctx.skip('not proven: no compiler (gcc)');
    expect(compiled.stderr).toBe('');
    const [command = program, ...before] = run;
    const args = command === program ? before : [...before, program];
    return spawnSync(command, [...args, '2'], { encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('libsecp256k1', () => {
  it('is byte for byte what SHA256SUMS says, with no file more and none less', () => {
    const sums = readFileSync(join(LIBSECP256K1, 'SHA256SUMS'), 'utf8').trim().split('\n');
    const found = vendored().map((name) => {
      const digest = createHash('sha256').update(readFileSync(join(LIBSECP256K1, name)));
      return `${digest.digest('hex')}  ${name}`;
    });
    expect(found.sort()).toEqual(sums.sort());
  });

  if (!full) return;

  it('passes its own tests as it is compiled here', { timeout: 600_000 }, (ctx) => {
    const flags = ['-DENABLE_MODULE_EXTRAKEYS=1', '-DVERIFY'];
    const ended = compileAndRun(ctx, ['tests.c'], flags, []);
    expect(ended.stdout).toMatch(/no problems found/);
    expect(ended.status).toBe(0);
  });

  it('takes no way that depends on a key, as valgrind sees it', { timeout: 600_000 }, (ctx) => {
    if (!existsSync('/usr/include/valgrind/memcheck.h')) {
      ctx.skip('not proven: no valgrind (Debian: valgrind)');
    }
    const sources = ['ctime_tests.c', 'secp256k1.c'];
    const run = ['valgrind', '--error-exitcode=42', '--quiet'];
    const ended = compileAndRun(ctx, sources, ['-DVALGRIND'], run);
    expect(ended.stderr).toBe('');
    expect(ended.status).toBe(0);
  });
});
