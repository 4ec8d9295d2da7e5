import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PASSWORD = 'a-password-that-is-in-no-address';
const USER = 'signer';

/** Debian keeps the server's own programs out of the path. */
function binaries(): string | undefined {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => join(base, version, 'bin'))
    .find((path) => existsSync(join(path, 'initdb')));
}

/** Why there is no server to be had, or nothing. */
export function noPostgresBecause(): string | undefined {
  return binaries() === undefined ? 'PostgreSQL is not installed (Debian: postgresql)' : undefined;
}

/** A server of its own in a throw-away directory, with a password, on a free port of this machine. */
export class PostgresServer {
  readonly directory: string;
  readonly port: number;
  readonly passwordPath: string;
  #child: ChildProcess | undefined;

  private constructor(directory: string, port: number, passwordPath: string) {
    this.directory = directory;
    this.port = port;
    this.passwordPath = passwordPath;
  }

  static async start(): Promise<PostgresServer> {
    const directory = mkdtempSync(join(tmpdir(), 'signer-postgres-'));
    const passwordPath = join(tmpdir(), `signer-postgres-password-${process.pid}-${Date.now()}`);
    writeFileSync(passwordPath, `${PASSWORD}\n`, { mode: 0o600 });
    const server = new PostgresServer(directory, await freePort(), passwordPath);
    const identity = serverUser();
    if (identity !== undefined) {
      chownSync(directory, identity.uid, identity.gid);
      chownSync(passwordPath, identity.uid, identity.gid);
    }
    const args = [
      '-D',
      directory,
      '-U',
      USER,
      '-A',
      'scram-sha-256',
      '--pwfile',
      passwordPath,
      '-N',
    ];
    execFileSync(join(binaries() as string, 'initdb'), args, {
      ...identity,
      stdio: 'ignore',
      cwd: '/',
    });
    if (identity !== undefined) chownSync(passwordPath, 0, 0);
    await server.run();
    return server;
  }

  /** Without a password: that is in a file. */
  get url(): string {
    return `postgres://${USER}@127.0.0.1:${this.port}/postgres`;
  }

  get options(): string[] {
    return ['--database', this.url, '--database-password-file', this.passwordPath];
  }

  /** Resolves when it takes connections. */
  async run(): Promise<void> {
    const args = ['-D', this.directory, '-p', `${this.port}`, '-k', '', '-h', '127.0.0.1'];
    const child = spawn(join(binaries() as string, 'postgres'), args, {
      ...serverUser(),
      stdio: ['ignore', 'ignore', 'pipe'],
      cwd: '/',
    });
    this.#child = child;
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (chunk) => {
        if (/ready to accept connections/.test(String(chunk))) resolve();
      });
      child.once('close', (code) => reject(new Error(`the server ended with code ${code}`)));
    });
  }

  /** As when its machine loses power, but for the disk: every process of it is killed at once. */
  async kill(): Promise<void> {
    const child = this.#child as ChildProcess;
    const closed = new Promise((resolve) => child.once('close', resolve));
    spawnSync('pkill', ['-KILL', '-P', `${child.pid}`]);
    child.kill('SIGKILL');
    await closed;
    rmSync(join(this.directory, 'postmaster.pid'), { force: true });
  }

  /** What a query says, as one text. */
  query(sql: string): string {
    const env = { ...process.env, PGPASSWORD: PASSWORD };
    const args = [this.url, '-At', '-c', sql];
    return execFileSync('psql', args, { env, encoding: 'utf8' }).trim();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.passwordPath, { force: true });
  }
}

/** The server refuses to run as root. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
