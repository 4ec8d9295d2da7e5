import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '@securemem/launch/workspace';
import { repetitions } from '@securemem/proof';
import { describe, expect, it, onTestFinished } from 'vitest';

const full = repetitions(10) === 10;
const BUILD_MS_MAX = 600_000;

/** The system's own browser. */
function findBrowser(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  return names.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);
}

describe('the API reference', () => {
  it('N22 has an entry for each public module', () => {
    const { entryPoints } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8'));
    const front = readFileSync(join(root, 'docs/API.md'), 'utf8');
    for (const name of modulesOf(entryPoints)) expect(front).toContain(`\`${name}\``);
  });

  // Building it takes half a minute.
  if (!full) return;

  it('N22 opens in a browser with a front page, and with the names of packages', {
    timeout: BUILD_MS_MAX,
  }, (ctx) => {
    const browser = findBrowser();
    if (browser === undefined) return ctx.skip('not proven: no chromium on this machine');
    const out = mkdtempSync(join(tmpdir(), 'securemem-reference-'));
    onTestFinished(() => rmSync(out, { recursive: true }));
    const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
    const built = spawnSync(process.execPath, [typedoc, '--out', out], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(built.status, `${built.stdout}${built.stderr}`).toBe(0);

    const opened = (page: string): string => {
      const profile = `--user-data-dir=${join(out, '.profile')}`;
      const args = ['--headless', '--no-sandbox', profile, '--dump-dom', pathToFileURL(page).href];
      const { status, stdout } = spawnSync(browser, args, { encoding: 'utf8', maxBuffer: 2 ** 26 });
      expect(status).toBe(0);
      return stdout;
    };
    const front = opened(join(out, 'index.html'));
    expect(front).toMatch(/<h1[^>]*>securemem: API reference/);
    expect(front).toContain('href="modules.html"');
    const list = opened(join(out, 'modules.html'));
    const links = [...list.matchAll(/<a href="([^"#]+\.html)"/g)].map(([, link]) => String(link));
    const { entryPoints } = JSON.parse(readFileSync(join(root, 'typedoc.json'), 'utf8'));
    for (const name of modulesOf(entryPoints)) {
      const page = `modules/${name.replaceAll(/[@/]/g, '_')}.html`;
      expect(links, name).toContain(page);
      expect(opened(join(out, page))).toContain(`<h1>Module ${name}`);
    }
    expect(links.filter((link) => !/^https?:/.test(link) && !existsSync(join(out, link)))).toEqual(
      [],
    );
    expect(`${front}${list}`).not.toMatch(/backend-koffi\/src|core\/src\/contract/);
  });
});

/** Names under which entry points are imported, by the `@module` that each begins with. */
function modulesOf(entryPoints: readonly string[]): string[] {
  return entryPoints.map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    const name = text.match(/@module (\S+)/)?.[1];
    if (name === undefined) throw new Error(`${dirname(path)} says no name`);
    return name;
  });
}
