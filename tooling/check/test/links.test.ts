import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { brokenLinks } from '../src/links.mjs';

function broken(pages: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'securemem-links-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return brokenLinks(root, Object.keys(pages));
}

it('brokenLinks() finds a file that is not there and a heading that is not there', () => {
  const pages = {
    'README.md': '[a](docs/A.md) [b](docs/B.md) [c](docs/A.md#one) [d](docs/A.md#two) [e](#top)',
    'docs/A.md': '# One\n\n[up](../README.md)\n[ref]\n\n[ref]: ../C.md\n',
  };
  expect(broken(pages)).toEqual([
    'README.md: docs/B.md is not there',
    'README.md: docs/A.md#two has no such heading',
    'README.md: #top has no such heading',
    'docs/A.md: ../C.md is not there',
  ]);
});

it('brokenLinks() makes the anchors of headings as GitHub does', () => {
  const headings = '# What is `x()`?\n## Twice\n## Twice\n### [Linked](a.md), and more!\n';
  const links = '[1](#what-is-x) [2](#twice) [3](#twice-1) [4](#linked-and-more)\n';
  expect(broken({ 'a.md': `${headings}${links}` })).toEqual([]);
});

it('brokenLinks() leaves other sites, code and changesets alone', () => {
  const text =
    '[w](https://example.com/x) [m](mailto:a@b.c) `[no](nothing.md)`\n```md\n[no](b.md)\n```\n';
  expect(broken({ 'a.md': text, '.changeset/one.md': '[gone](gone.md)' })).toEqual([]);
});

it('brokenLinks() follows links to directories', () => {
  expect(broken({ 'a.md': '[d](docs) [n](doc)', 'docs/b.md': '' })).toEqual([
    'a.md: doc is not there',
  ]);
});

it('brokenLinks() looks for the name in the source file that a link in code leads to', () => {
  const pages = {
    'a.md':
      '[`Slab.take`](s.ts) [`#wipe`](s.ts) [`cut()`](s.ts) [`s.ts`](s.ts) [prose](s.ts)\n' +
      '[`Slab.give`](s.ts) [`free`](s.ts) [`Place`](s.ts)\n',
    's.ts':
      'export class Slab {\n  take(n: number) {}\n  #wipe() { free(Place); }\n}\nfunction cut() {}\n',
  };
  expect(broken(pages)).toEqual([
    'a.md: s.ts does not define give',
    'a.md: s.ts does not define free',
    'a.md: s.ts does not define Place',
  ]);
});
