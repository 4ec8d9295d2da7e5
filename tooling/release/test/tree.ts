import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from '@securemem/launch/workspace';

const PNPM = ['-y', 'pnpm@10.34.9'];

/** A copy of the workspace with a history of one commit, in which a release does not touch ours. */
export class Tree {
  readonly directory: string;
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(directory: string) {
    this.directory = directory;
    // What the runner of the tests told its own npm is not for the one under test.
    const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
    this.#environment = { ...Object.fromEntries(inherited), CI: 'true' };
    for (const file of this.#git(root, 'ls-files').split('\n').filter(Boolean)) this.#copy(file);
    for (const name of readdirSync(join(root, 'packages'))) {
      for (const made of ['dist', 'prebuilds']) this.#copy(`packages/${name}/${made}`);
    }
    this.#git(directory, 'init', '-q', '-b', 'main');
    this.#commit();
  }

  static async create(directory: string, environment: Record<string, string>): Promise<Tree> {
    const tree = new Tree(directory);
    const offline = ['--frozen-lockfile', '--prefer-offline', '--ignore-scripts'];
    await tree.run('npx', [...PNPM, 'install', ...offline]);
    // From here on: what the workspace itself needs is not asked of the registry under test.
    Object.assign(tree.#environment, environment);
    return tree;
  }

  /** Binaries of systems that this machine cannot build for are stood in for by its own. */
  standInForMissingPrebuilds(): void {
    const own = join(this.directory, 'packages/backend-napi/prebuilds/linux-x64');
    for (const target of this.prebuilds()) {
      const folder = join(dirname(own), target);
      if (!existsSync(folder)) cpSync(own, folder, { recursive: true });
    }
  }

  prebuilds(): string[] {
    return JSON.parse(this.read('packages/backend-napi/prebuilds.json'));
  }

  /** Manifests of the packages that are published, by name. */
  manifests(): Map<string, { version: string; peerDependencies?: Record<string, string> }> {
    const all = readdirSync(join(this.directory, 'packages')).map((name) =>
      JSON.parse(this.read(`packages/${name}/package.json`)),
    );
    return new Map(all.filter((one) => !one.private).map((one) => [one.name, one]));
  }

  read(path: string): string {
    return readFileSync(join(this.directory, path), 'utf8');
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.directory, path), text);
  }

  /** As CONTRIBUTING says: new versions, then what they are, into the history. */
  async version(): Promise<void> {
    await this.run('npm', ['run', 'version']);
    this.#commit();
  }

  release(): Promise<string> {
    return this.run('npm', ['run', 'release']);
  }

  async run(command: string, args: readonly string[]): Promise<string> {
    const { status, output } = await this.attempt(command, args);
    if (status !== 0)
      throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${output}`);
    return output;
  }

  /** Not synchronous: the registry that answers is in this process. */
  attempt(command: string, args: readonly string[], within = '.'): Promise<Ended> {
    return endOf(command, args, join(this.directory, within), this.#environment);
  }

  #copy(path: string): void {
    const from = join(root, path);
    if (!existsSync(from)) return;
    mkdirSync(dirname(join(this.directory, path)), { recursive: true });
    cpSync(from, join(this.directory, path), { recursive: true });
  }

  #commit(): void {
    const author = ['-c', 'user.name=release', '-c', 'user.email=release@example.com'];
    this.#git(this.directory, 'add', '--all');
    this.#git(
      this.directory,
      ...author,
      'commit',
      '-q',
      '--allow-empty',
      '-m',
      'A state of the tree',
    );
  }

  #git(cwd: string, ...args: string[]): string {
    return execFileSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  }
}

export interface Ended {
  readonly status: number;
  readonly output: string;
}

/** What a program printed, and how it ended. */
export function endOf(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
    const child = execFile(command, [...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : (child.exitCode ?? 1), output: `${stdout}${stderr}` });
    });
    child.stdin?.end();
  });
}
