import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and a certificate, both in PEM. */
interface Identity {
  readonly key: string;
  readonly certificate: string;
}

/** Debian keeps the server's own programs out of the path. */
function programs(): string | undefined {
  const base = '/usr/lib/postgresql';
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : [];
  return versions
    .map((version) => join(base, version, 'bin'))
    .find((path) => existsSync(join(path, 'initdb')));
}

/** Why there is no server to be had, or nothing. */
export const noPostgresBecause = (): string | undefined =>
  programs() === undefined ? 'no PostgreSQL (Debian: postgresql)' : undefined;

/** A server of PostgreSQL on this machine that takes nobody without a certificate. */
export class CertifyingPostgres {
  readonly url: string;
  readonly #directory: string;
  readonly #child: ChildProcess;

  private constructor(url: string, directory: string, child: ChildProcess) {
    this.url = url;
    this.#directory = directory;
    this.#child = child;
  }

  /** For a user whose certificate is `client`; his name is that of the certificate. */
  static async start(user: string, server: Identity, client: string): Promise<CertifyingPostgres> {
    const bin = programs() as string;
    const directory = mkdtempSync(join(tmpdir(), 'securemem-postgres-'));
    const owner = ownerOf(directory);
    const options = { ...owner, cwd: '/', stdio: 'ignore' } as const;
    execFileSync(join(bin, 'initdb'), ['-D', directory, '-U', user, '-A', 'reject', '-N'], options);
    const hosts = ['127.0.0.1/32', '::1/128'].map((host) => `hostssl all all ${host} cert\n`);
    const files = {
      'pg_hba.conf': hosts.join(''),
      'server.key': server.key,
      'server.crt': server.certificate,
      'client.crt': client,
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(directory, name);
      writeFileSync(path, text, { mode: 0o600 });
      if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
    }
    const port = await freePort();
    const ssl = ['-c', 'ssl=on', '-c', 'ssl_ca_file=client.crt'];
    const args = ['-D', directory, '-p', `${port}`, '-k', '', '-h', 'localhost', ...ssl];
    const child = spawn(join(bin, 'postgres'), args, {
      ...owner,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
        if (/ready to accept connections/.test(said)) resolve();
      });
      child.once('close', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    return new CertifyingPostgres(
      `postgres://${user}@localhost:${port}/postgres`,
      directory,
      child,
    );
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#child.once('close', resolve));
    this.#child.kill('SIGINT');
    await closed;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The server refuses to run as root: it gets the directory, and its own user. */
function ownerOf(directory: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  const owner = { uid: id('-u'), gid: id('-g') };
  chownSync(directory, owner.uid, owner.gid);
  return owner;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
