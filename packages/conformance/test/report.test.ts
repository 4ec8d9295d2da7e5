import { describe, expect, it } from 'vitest';
import {
  conformance,
  fakeEvidence,
  GROUPS,
  noEvidence,
  type Report,
  type Runner,
  renderReport,
  requirements,
  runConformance,
} from '../src/index.js';
import { altered } from './altered.js';
import { fakeSubject } from './fake.js';

function fakeReport(seed = 3): Promise<Report> {
  const { kernel, open } = fakeSubject();
  return runConformance({ open, evidence: fakeEvidence(kernel, open), seed });
}

describe('runConformance()', () => {
  it('reports what ran, on what, and by whose evidence', async () => {
    const report = await fakeReport();
    expect(report).toMatchObject({
      contractVersion: 1,
      suiteVersion: expect.stringMatching(/^\d+\.\d+\.\d+/),
      backend: { name: 'fake', capabilities: { locking: 'locked' } },
      evidence: 'simulated kernel',
      machine: { platform: process.platform, runtime: `Node.js ${process.versions.node}` },
      seed: 3,
      passed: requirements.length,
      failed: 0,
      notProven: 0,
    });
    expect(report.results.map(({ id }) => id)).toEqual(requirements.map(({ id }) => id));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it('runs the other half of what is not claimed, and names it', async () => {
    const { kernel, open } = fakeSubject({ views: 'none', cipher: 'none', guardPages: false });
    const report = await runConformance({ open, evidence: fakeEvidence(kernel, open) });
    expect(report).toMatchObject({ failed: 0, notProven: 0 });
    const views = report.results.filter(({ capability }) => capability === 'views');
    expect(views.length).toBeGreaterThan(5);
    for (const { half } of views) expect(half).toBe('not claimed');
    expect(renderReport(report)).toContain(
      '(not claimed) openView throws ERR_SECMEM_NOT_SUPPORTED',
    );
  });

  it('calls what it cannot show not proven, with the reason, and still tests the rest', async () => {
    const { open } = fakeSubject();
    const report = await runConformance({ open, evidence: noEvidence('no such system') });
    expect(report.failed).toBe(0);
    expect(report.notProven).toBeGreaterThan(20);
    expect(report.passed).toBeGreaterThan(20);
    expect(renderReport(report)).toContain('no such system');
  });

  it('goes no further with a backend of another contract', async () => {
    const { kernel, open } = fakeSubject({}, (backend) =>
      altered(backend, { contractVersion: 2 as 1 }),
    );
    const report = await runConformance({ open, evidence: fakeEvidence(kernel, open) });
    expect(report.results.map(({ id, outcome }) => [id, outcome])).toEqual([
      ['opening-identity', 'failed'],
    ]);
  });

  it('repeats its random sequences for the same seed', async () => {
    const rare = { kernel: 0, failures: new Set<string | undefined>() };
    for (let run = 0; run < 2; run += 1) {
      const { kernel, open } = fakeSubject({}, (backend) =>
        altered(backend, {
          protect: (region, protection) => {
            backend.protect(region, protection);
            if (backend.lockedByteLength() === 5 * 4096) backend.wipe(region, 0, 64);
          },
        }),
      );
      const evidence = fakeEvidence(kernel, open);
      const report = await runConformance({ open, evidence, seed: 9, only: ['model-sequences'] });
      rare.failures.add(report.results.find(({ id }) => id === 'model-sequences')?.reason);
    }
    expect(rare.failures.size).toBe(1);
    expect([...rare.failures][0]).toMatch(/to repeat it: seed 9, path/);
  });
});

describe('renderReport()', () => {
  it('shows claims, every requirement, and for a failure the promise and the reason', async () => {
    const { kernel, open } = fakeSubject({}, (backend) =>
      altered(backend, { lockedByteLength: () => 7 + Number(backend.lockedByteLength()) }),
    );
    const report = await runConformance({ open, evidence: fakeEvidence(kernel, open) });
    const text = renderReport(report);
    expect(text).toContain('BREAKS THE CONTRACT in 1 requirement\n');
    expect(text).toMatch(/locking +locked +contradicted by lock-figure/);
    expect(text).toMatch(/FAIL lock-figure/);
    expect(text).toContain('promised in MemoryBackend.lockedByteLength');
    for (const { id } of requirements) expect(text).toContain(id);
    for (const line of text.split('\n')) expect(line).toBe(line.trimEnd());
  });
});

describe('conformance()', () => {
  it('registers one test per requirement, grouped, and passes failures and reasons on', async () => {
    const { open } = fakeSubject({}, (backend) =>
      altered(backend, { lockLimit: () => ({ kind: 'unlimited' }) }),
    );
    const tests = new Map<string, () => Promise<string>>();
    const groups: string[] = [];
    const runner: Runner = {
      describe: (name, body) => {
        groups.push(name);
        body();
      },
      it: (name, body) => {
        tests.set(name.split(':')[0] ?? '', async () => {
          let outcome = 'passed';
          await body((reason) => {
            outcome = `not proven: ${reason}`;
          }).catch((error: Error) => {
            outcome = `failed: ${error.message}`;
          });
          return outcome;
        });
      },
      afterAll: () => undefined,
    };
    conformance({ runner, open, evidence: noEvidence('none here') });
    expect(groups).toEqual(['conformance', ...GROUPS]);
    expect([...tests.keys()]).toEqual(requirements.map(({ id }) => id));
    expect(await tests.get('map-zeroed')?.()).toBe('passed');
    expect(await tests.get('lock-whole-region')?.()).toBe('not proven: none here');
    expect(await tests.get('closed-refuses')?.()).toMatch(/^failed: lockLimit after dispose/);
  });
});
