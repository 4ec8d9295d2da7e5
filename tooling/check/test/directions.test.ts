import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { brokenDirections } from '../src/imports.mjs';

const manifests = {
  'package.json': { devDependencies: { vitest: '1', 'fast-check': '1' } },
  'packages/core/package.json': { name: '@securemem/core' },
  'packages/backend-koffi/package.json': {
    name: '@securemem/koffi',
    dependencies: { koffi: '1' },
    peerDependencies: { '@securemem/core': '1' },
    devDependencies: { '@securemem/conformance': '1', '@securemem/over-ffi': '1' },
  },
  'packages/over-ffi/package.json': {
    name: '@securemem/over-ffi',
    peerDependencies: { '@securemem/core': '1' },
    devDependencies: { koffi: '1' },
  },
  'packages/keeper/package.json': {
    name: '@securemem/keeper',
    peerDependencies: { '@securemem/core': '1' },
    devDependencies: { '@securemem/koffi': '1' },
  },
  'apps/signer/package.json': { name: 'signer', dependencies: { '@securemem/core': '1' } },
};

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'directions-'));
  for (const [file, content] of Object.entries(manifests)) write(file, JSON.stringify(content));
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(file: string, text: string) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}

function judge(file: string, text: string) {
  write(file, text);
  return brokenDirections(root, [file]);
}

it.each([
  ['packages/core/src/contract/a.ts', "import type { B } from './b.js';"],
  ['packages/core/src/slot.ts', "import { c } from './contract/c.js'; import 'node:crypto';"],
  [
    'packages/core/test/slot.test.ts',
    "import 'vitest'; import 'fast-check'; import '../src/slot.js';",
  ],
  ['packages/backend-koffi/src/a.ts', "import '@securemem/core/contract'; import 'koffi';"],
  ['packages/backend-koffi/src/b.ts', "import '@securemem/over-ffi';"],
  ['packages/backend-koffi/test/a.test.ts', "import '@securemem/conformance';"],
  ['packages/keeper/src/a.ts', "import '@securemem/core';"],
  ['apps/signer/src/a.ts', "import '@securemem/core/testing';"],
])('%s may contain %s', (file, text) => {
  expect(judge(file, text)).toEqual([]);
});

it.each([
  ['packages/core/src/contract/a.ts', "import { s } from '../secret.js';"],
  ['packages/core/src/contract/a.ts', "import type { X } from 'node:fs';"],
  ['packages/core/src/slot.ts', "import koffi from 'koffi';"],
  ['packages/core/src/slot.ts', "import 'fs';"],
  ['packages/core/src/slot.ts', "export * from '../../backend-koffi/src/a.js';"],
  ['packages/backend-koffi/src/a.ts', "import { createAllocator } from '@securemem/core';"],
  ['packages/backend-koffi/src/a.ts', "import '@securemem/conformance';"],
  ['packages/over-ffi/src/a.ts', "import 'koffi';"],
  ['packages/backend-koffi/src/a.ts', "const n = await import('@securemem/napi');"],
  ['packages/keeper/src/a.ts', "import { koffiBackend } from '@securemem/koffi';"],
  ['apps/signer/src/a.ts', "import 'undeclared';"],
  ['apps/signer/src/a.ts', "import '../../../packages/core/src/slot.js';"],
  ['packages/core/src/slot.ts', "process.on('exit', purge);"],
  ['packages/core/src/slot.ts', 'backend.unmap(region);'],
  ['packages/keeper/src/slot.ts', 'payload.fill(0);'],
  ['apps/signer/src/slot.ts', 'key.fill(0, 4);'],
  ['packages/core/src/slot.ts', 'const { fill } = Uint8Array.prototype; fill.call(key, 0);'],
])('%s must not contain %s', (file, text) => {
  expect(judge(file, text)).toHaveLength(1);
});
