import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { describe, expect, it, onTestFinished } from 'vitest';
import { unpinnedActions } from '../src/workflows.mjs';

const COMMIT = '08c6903cd8c0fde910a37f88322edcfb5dd907a8';

function problemsOf(...uses: string[]): string[] {
  const home = mkdtempSync(join(tmpdir(), 'securemem-workflows-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  mkdirSync(join(home, '.github/workflows'), { recursive: true });
  const steps = uses.map((one) => `      - uses: ${one}`);
  writeFileSync(join(home, '.github/workflows/ci.yml'), ['steps:', ...steps].join('\n'));
  return unpinnedActions(home, ['.github/workflows/ci.yml', 'README.md']);
}

describe('actions of workflows', () => {
  it('N23 are well with a commit and its version, and when they are our own', () => {
    expect(
      problemsOf(`actions/checkout@${COMMIT} # v5.0.0`, `a/b/c@${COMMIT} # v1`, './ours'),
    ).toEqual([]);
  });

  it.each([
    'changesets/action@v1',
    'actions/checkout@main',
    `actions/checkout@${COMMIT}`,
    `actions/checkout@${COMMIT.slice(1)} # v5.0.0`,
    'docker://alpine:3',
  ])('N23 are a problem by %s', (action) => {
    expect(problemsOf(action)).toHaveLength(1);
  });

  it('N23 are pinned in ours', () => {
    const files = readdirSync(join(root, '.github/workflows')).map(
      (name) => `.github/workflows/${name}`,
    );
    expect(files.length).toBeGreaterThan(1);
    expect(unpinnedActions(root, files)).toEqual([]);
  });
});
