import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** What the fuzzer and what it feeds are made of. */
const PARTS = [
  'tooling/fuzz/src',
  'tooling/fuzz/package.json',
  'tooling/fuzz/tsconfig.json',
  'tooling/fuzz/tsup.config.ts',
  'tooling/presets/tsconfig.json',
  'packages/core/src',
  'packages/keeper/src',
  'packages/backend-napi/native',
  'packages/backend-napi/scripts',
  'packages/backend-napi/test/native',
  'packages/backend-napi/package.json',
];
const MODULES = ['.', 'tooling/fuzz', 'packages/backend-napi'];

/** Takes `is` out of a file, where it stands exactly once, and puts `was` there. */
export interface Fault {
  readonly file: string;
  readonly is: string;
  readonly was: string;
}

/** A copy of the fuzzer, without the inputs that found something once, and of what it feeds, with faults put into it. */
export class BrokenCopy {
  readonly #home = mkdtempSync(join(tmpdir(), 'securemem-broken-'));

  constructor(faults: readonly Fault[]) {
    for (const part of PARTS) cpSync(join(root, part), join(this.#home, part), { recursive: true });
    for (const target of ['addon', 'greeting', 'host', 'json', 'keeper', 'keys'])
      mkdirSync(join(this.#home, 'tooling/fuzz/corpus', target), { recursive: true });
    for (const place of MODULES)
      symlinkSync(join(root, place, 'node_modules'), join(this.#home, place, 'node_modules'));
    for (const { file, is, was } of faults) {
      const path = join(this.#home, file);
      const parts = readFileSync(path, 'utf8').split(is);
      if (parts.length !== 2)
        throw new Error(`${file} has ${JSON.stringify(is)} ${parts.length - 1} times`);
      writeFileSync(path, parts.join(was));
    }
  }

  /** Builds what the target feeds, and runs it for up to `seconds`. */
  fuzz(target: string, seconds: number): string {
    const environment = target === 'addon' ? this.#buildAddon() : this.#buildChannel();
    const main = join(this.#home, 'tooling/fuzz/src/main.mjs');
    const args = [main, '--target', target, '--seconds', String(seconds), '--folder', this.#home];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    });
    return `${stdout}${stderr}`;
  }

  #buildChannel(): Readonly<Record<string, string>> {
    this.#build(
      'tooling/fuzz',
      join(dirname(import.meta.resolve('tsup').slice('file://'.length)), 'cli-default.js'),
    );
    return {};
  }

  #buildAddon(): Readonly<Record<string, string>> {
    this.#build('packages/backend-napi', 'scripts/build-native.mjs', '--host-if-possible');
    const name = `${process.platform}-${process.arch}`;
    const prebuilds = join(this.#home, 'packages/backend-napi/prebuilds');
    return { SECUREMEM_FUZZ_ADDON: join(prebuilds, name, 'securemem.node') };
  }

  #build(place: string, ...args: readonly string[]): void {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: join(this.#home, place),
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${stdout}${stderr}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true, force: true });
  }
}
