import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const main = join(import.meta.dirname, '../src/main.mjs');
const napi = join(import.meta.dirname, '../../../packages/backend-napi');

function fuzz(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'securemem-fuzz-'));
  try {
    return spawnSync(process.execPath, [main, '--folder', folder, ...args], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it('every target is clean for ten seconds', { timeout: 120_000 }, (ctx) => {
  const ended = fuzz(['--seconds', '10']);
  if (/NOT PROVEN/.test(ended.stdout)) ctx.skip(`not proven: ${ended.stdout.trim()}`);
  expect(ended.stdout).not.toMatch(/FOUND/);
  expect(ended.stdout).toMatch(/addon: clean, [1-9]/);
  expect(ended.status).toBe(0);
});

it('a range that may be one byte too long in the addon is found', { timeout: 240_000 }, (ctx) => {
  const home = mkdtempSync(join(tmpdir(), 'securemem-addon-'));
  try {
    for (const name of ['native', 'scripts', 'package.json'])
      cpSync(join(napi, name), join(home, name), { recursive: true });
    symlinkSync(join(napi, 'node_modules'), join(home, 'node_modules'));
    const file = join(home, 'native', 'region_table.cc');
    const whole = readFileSync(file, 'utf8');
    const broken = whole.replace('length <= size - offset)', 'length <= size - offset + 1)');
    expect(broken).not.toBe(whole);
    writeFileSync(file, broken);
    const script = join(home, 'scripts', 'build-native.mjs');
    spawnSync(process.execPath, [script, '--host-if-possible'], { stdio: 'inherit' });
    const name = `${process.platform}-${process.arch}`;
    const binary = join(home, 'prebuilds', name, 'securemem.node');
    const ended = fuzz(['--seconds', '30', '--only', 'addon'], { SECUREMEM_FUZZ_ADDON: binary });
    if (/NOT PROVEN/.test(ended.stdout)) ctx.skip(`not proven: ${ended.stdout.trim()}`);
    expect(ended.stdout).toMatch(/addon: FOUND/);
    expect(ended.status).toBe(1);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
