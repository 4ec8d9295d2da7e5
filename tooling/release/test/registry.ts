import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runServer } from 'verdaccio';

const everyone = { access: '$all', publish: '$all' };

/** A registry of its own on this machine: our names are published to it, every other name is fetched through it. */
export class Registry {
  readonly url: string;
  readonly #server: Server;
  readonly #settings: string;

  private constructor(server: Server, directory: string) {
    this.#server = server;
    this.#settings = join(directory, 'npmrc');
    this.url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  }

  static async start(directory: string): Promise<Registry> {
    const upstream = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' });
    const app = await runServer({
      self_path: directory,
      storage: join(directory, 'storage'),
      auth: { htpasswd: { file: join(directory, 'htpasswd') } },
      uplinks: { upstream: { url: upstream.trim() } },
      packages: {
        '@securemem/*': everyone,
        securemem: everyone,
        '**': { access: '$all', proxy: 'upstream' },
      },
      // Tarballs of the addon are larger than what a registry takes by default.
      max_body_size: '50mb',
      log: { type: 'stdout', level: 'fatal' },
    } as never);
    const server: Server = app.listen(0);
    await new Promise((resolve) => server.once('listening', resolve));
    return new Registry(server, directory);
  }

  /** By which npm and pnpm take this one: in a file, since no shell hands on a variable whose name has a slash. */
  get environment(): Record<string, string> {
    const token = `//${new URL(this.url).host}/:_authToken=anybody`;
    writeFileSync(this.#settings, `registry=${this.url}\n${token}\n`);
    return { npm_config_registry: this.url, npm_config_userconfig: this.#settings };
  }

  async versionsOf(name: string): Promise<string[]> {
    const answer = await fetch(new URL(name.replace('/', '%2f'), this.url));
    if (answer.status === 404) return [];
    const { versions } = (await answer.json()) as { versions: object };
    return Object.keys(versions);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
