import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repetitions } from '@securemem/proof';
import type { TestContext } from 'vitest';
import { bareEnvironment } from '../src/machine.mjs';
import { NoRegistry } from '../src/project.mjs';
import { packAll, publishedPackages } from '../src/tarballs.mjs';

/** Whether this is a run of everything. */
export const full = repetitions(2) === 2;

/** An install over a slow line, or the compiler on a busy machine. */
export const STEP_MS_MAX = 480_000;

/** A folder far from any `node_modules` of ours, what was packed, and the machine that the tests pretend to have. */
export class Place {
  readonly directory = mkdtempSync(join(tmpdir(), 'securemem-installs-'));
  readonly env = bareEnvironment(join(this.directory, 'bin'));
  readonly tarballs: Readonly<Record<string, string>>;

  constructor(names: readonly string[]) {
    this.tarballs = packAll(join(this.directory, 'packed'), names);
  }

  /** A new and empty folder. */
  folder(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path);
    return path;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Runs `step`; where the registry cannot be reached the test says that it proved nothing. */
export async function withRegistry<T>(ctx: TestContext, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof NoRegistry) ctx.skip('not proven: the registry of npm cannot be reached');
    throw error;
  }
}

const target = `${process.platform}-${process.arch}`;

/** Whether the tarball of napi has an addon for this machine. */
export function hasPrebuild(): boolean {
  const directory = publishedPackages()['@securemem/napi'] ?? '';
  return existsSync(join(directory, 'prebuilds', target, 'securemem.node'));
}

/** An addon that was not compiled is not in the tarball, so nothing can be said of it. */
export function needsPrebuild(ctx: TestContext, backend: string): void {
  if (backend !== 'napi' || hasPrebuild()) return;
  ctx.skip(`not proven: the addon of napi was not built for ${target}`);
}
