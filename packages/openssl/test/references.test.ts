import { spawnSync } from 'node:child_process';
import { childLimits, repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { buildReferencesHarness, WATCHING } from '../scripts/references-harness.mjs';

const LONG = { timeout: 600_000 };
const THREADS = 8;
const harness = buildReferencesHarness('watched', WATCHING);

/** What the harness says, and how it ends. */
function ran(...args: (string | number)[]) {
  const path = 'path' in harness ? harness.path : '';
  const { status, signal, stdout } = spawnSync(path, args.map(String), {
    ...childLimits(),
    encoding: 'utf8',
  });
  return { status, signal, stdout };
}

function whyNot(): string | undefined {
  if ('reason' in harness) return `not proven: ${harness.reason}`;
  return ran('none').status === 3 ? 'not proven: no libcrypto.so.3 (Debian: libssl3)' : undefined;
}

describe('K7 references under threads', () => {
  const reason = whyNot();

  it(
    'K7 any two things that take locks can happen at once, and every lock is taken in the one order',
    LONG,
    (ctx) => {
      ctx.skip(reason !== undefined, reason);
      const { status, signal, stdout } = ran('pairs', repetitions(1000));
      expect({ status, signal }).toEqual({ status: 0, signal: null });
      expect(stdout).toMatch(/^pairs 36, wrong 0$/m);
      // Both that are allowed were seen, or the locks were not looked at.
      expect(stdout).toMatch(/^locks in order: provider>symbols region>looks$/m);
    },
  );

  it(
    'K7 eight threads sign while their keys end in every way: nobody signs once an end has returned',
    LONG,
    (ctx) => {
      ctx.skip(reason !== undefined, reason);
      const count = repetitions(10_000);
      const { status, signal, stdout } = ran('signatures', count, THREADS);
      expect({ status, signal }).toEqual({ status: 0, signal: null });
      const [, done, refused, wrong] =
        /^done (\d+), refused (\d+), wrong (\d+), ended some$/m.exec(stdout) ?? [];
      expect(Number(wrong)).toBe(0);
      expect(Number(done) + Number(refused)).toBe(count);
      expect(Number(done)).toBeGreaterThan(0);
    },
  );

  it('K7 control: an end that does not wait is found out', LONG, (ctx) => {
    ctx.skip(reason !== undefined, reason);
    const { status, stdout } = ran('signatures', 100_000, THREADS, 'hasty');
    expect(status).toBe(1);
    expect(stdout).not.toMatch(/wrong 0,/);
  });
});
