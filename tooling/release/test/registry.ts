import { execFileSync } from 'node:child_process';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runServer } from 'verdaccio';

const everyone = { access: '$all', publish: '$all' };

/** A registry of its own on this machine: our names are published to it, every other name is fetched through it. */
export class Registry {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
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
    return new Registry(server);
  }

  /** Variables by which npm and pnpm take this one. It asks for a token, and takes any. */
  get environment(): Record<string, string> {
    return {
      npm_config_registry: this.url,
      [`npm_config_//${new URL(this.url).host}/:_authToken`]: 'anybody',
    };
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
