import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { koffiBackend } from '@securemem/koffi';
import { repetitions } from '@securemem/proof';
import { describe, expect, test } from 'vitest';
import { unconfinedBecause } from './service-process.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FULL = 10;
const page = readFileSync(join(ROOT, 'docs/CASES.md'), 'utf8');

/** The rows that name a test: its id, its project, and the command. */
const rows = [
  ...page.matchAll(/^\| ([A-Z]\d+) \|.*`(npx vitest run --project (\S+) -t '\1 ')` \|$/gm),
].map(([, id, command, project]) => ({
  id: id ?? '',
  command: command ?? '',
  project: project ?? '',
}));
const storms = [...page.matchAll(/^npm run -s storm -- .*$/gm)].map(([command]) => command);

function directoryOf(project: string): string {
  const group = ['packages', 'apps', 'tooling'].find((name) =>
    readdirSync(join(ROOT, name)).includes(project),
  );
  return join(ROOT, group ?? '', project, 'test');
}

function sourcesOf(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
}

function run(command: string): Promise<{ code: number | null; text: string }> {
  // The tests inside know nothing of the test around them.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')),
  );
  const child = spawn(command, { cwd: ROOT, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, text })));
}

describe('docs/CASES.md', () => {
  test('has a row for every point of the five reports', () => {
    const ids = (letter: string) =>
      rows.filter(({ id }) => id.startsWith(letter)).map(({ id }) => id);
    const upTo = (letter: string, last: number) =>
      Array.from({ length: last }, (_, at) => `${letter}${at + 1}`);
    expect(ids('A')).toEqual(upTo('A', 16));
    expect(ids('Z')).toEqual(upTo('Z', 10));
    expect(ids('G')).toEqual(upTo('G', 10));
    expect(ids('S')).toEqual(upTo('S', 14));
    expect(ids('M').length).toBeGreaterThan(10);
    expect(storms).toHaveLength(4);
  });

  test.each(rows)('$id names a test of $project', ({ id, project }) => {
    // In a name, or in what names are made of.
    const name = new RegExp(`\\b${id}\\b`);
    expect(sourcesOf(directoryOf(project)).some((source) => name.test(source))).toBe(true);
  });

  test.for(storms)('%s', { timeout: 240_000 }, async (command, ctx) => {
    const probe = koffiBackend.probe();
    const reason = probe.available ? unconfinedBecause() : probe.reason;
    if (reason !== undefined) ctx.skip(`not proven: ${reason}`);
    // Built already: what is shown is the storm, not the launcher.
    const { code, text } = await run(
      command.replace('npm run -s storm --', 'node apps/signer/dist/storm.js'),
    );
    expect(code).toBe(0);
    const report = JSON.parse(text.slice(text.indexOf('{'))) as Record<string, number>;
    if (command.includes('pooled')) expect(report['succeeded']).toBe(50);
    if (command.includes('page')) expect(report['succeeded']).toBeLessThan(50);
  });

  // Each starts a project of tests: minutes, all together, so only the full run has them.
  const commands = repetitions(FULL) === FULL ? rows : [];
  test.each(commands)('$command', { timeout: 900_000 }, async ({ command }) => {
    const { code, text } = await run(command);
    expect(text).toMatch(/Tests .*\d+ (passed|skipped)/);
    expect(code).toBe(0);
  });
});
