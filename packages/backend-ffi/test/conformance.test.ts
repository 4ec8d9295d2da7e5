import { requirements } from '@securemem/conformance';
import { repetitions } from '@securemem/proof';
import { describe, expect, it } from 'vitest';
import { runChild } from './node-26.js';

/** Half an hour, for a machine that does much else. */
const timeout = 1_800_000;

interface Report {
  readonly results: readonly { id: string; outcome: string; reason?: string }[];
}

const SUITE = (module: string) => `
  const { runConformance } = await import(${JSON.stringify(import.meta.resolve('@securemem/conformance'))});
  const module = new URL(${JSON.stringify(module)}, ${JSON.stringify(import.meta.url)});
  const { open } = await import(module);
  const { results } = await runConformance({ open, module });
  say({ results: results.map(({ id, outcome, reason }) => ({ id, outcome, reason })) });
  process.exit(0);
`;

const full = repetitions(10) === 10;
/** Locked pages by the same system calls are in every run of koffi's; here they are for `npm run test:full`. */
const MODULES = [
  ['./conformance-backend.mjs', 'mlock'],
  ['./conformance-hidden.mjs', 'memfd_secret'],
] as const;

describe('the conformance suite on Node 26', () => {
  it.for(full ? MODULES : MODULES.slice(1))(
    '%s: every requirement holds with pages of %s',
    { timeout },
    ([module], context) => {
      const execArgv = ['--no-warnings'];
      const { result, stderr, signal } = runChild(context, SUITE(module), { execArgv });
      if (result === undefined) throw new Error(`the suite ended by ${signal}: ${stderr}`);
      const { results } = result as Report;
      expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
      expect(results.map(({ id }) => id)).toEqual(requirements.map(({ id }) => id));
    },
  );
});
