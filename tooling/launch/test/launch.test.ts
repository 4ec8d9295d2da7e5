import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fingerprint } from '../src/install.mjs';
import { root } from '../src/workspace.mjs';

const mainFile = fileURLToPath(new URL('../src/main.mjs', import.meta.url));
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'launch-'));
  for (const group of ['packages/core', 'apps', 'tooling']) {
    mkdirSync(join(directory, group), { recursive: true });
  }
  write('packages/core/package.json', '{}');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) write(file, '');
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function write(file: string, text: string) {
  writeFileSync(join(directory, file), text);
}

it('fingerprint() changes with the lockfile and with every manifest, and with nothing else', () => {
  const seen = new Set([fingerprint(directory)]);
  write('packages/core/index.ts', 'export {};');
  expect(seen).toContain(fingerprint(directory));
  write('pnpm-lock.yaml', 'lockfileVersion: 9');
  seen.add(fingerprint(directory));
  write('packages/core/package.json', '{ "name": "core" }');
  seen.add(fingerprint(directory));
  mkdirSync(join(directory, 'apps/signer'));
  write('apps/signer/package.json', '{}');
  seen.add(fingerprint(directory));
  expect(seen.size).toBe(4);
});

it('launching with an unknown option fails before anything is installed or built', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile, '--biuld'], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/unknown option --biuld/);
});

it('the pnpm that is started is the one that packageManager pins', () => {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const [pinned] = packageManager.split('+');
  const source = readFileSync(new URL('../src/workspace.mjs', import.meta.url), 'utf8');
  expect(source).toContain(`'${pinned}'`);
});
