import { describe, expect, it } from 'vitest';
import { requirements, runConformanceIsolated } from '../src/index.js';

const subject = (name: string): URL => new URL(`subjects/${name}.mjs`, import.meta.url);

describe('runConformanceIsolated()', () => {
  it('reports a crash as a failure of its requirement and goes on with the next one', async () => {
    const seen: string[] = [];
    const report = await runConformanceIsolated({
      module: subject('crasher'),
      seed: 1,
      onResult: ({ id }) => seen.push(id),
    });
    expect(report.results.map(({ id }) => id)).toEqual(requirements.map(({ id }) => id));
    expect(seen).toEqual(requirements.map(({ id }) => id));
    const reasons = new Map(report.results.map(({ id, reason }) => [id, reason]));
    expect(reasons.get('wipe-exact')).toBe('the process died by SIGKILL');
    expect(reasons.get('misuse-empty')).toBe('the process died by SIGKILL');
    expect(reasons.get('view-exact-range')).toBe('the process ended with exit code 7');
    expect(reasons.get('map-zeroed')).toBeUndefined();
    expect(report.backend.name).toBe('crasher');
  }, 120_000);

  it('rejects when the backend cannot be opened', async () => {
    await expect(runConformanceIsolated({ module: subject('no-such') })).rejects.toThrow(
      /Cannot find module/,
    );
  });
});
