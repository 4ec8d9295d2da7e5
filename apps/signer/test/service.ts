import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach } from 'vitest';
import { type RunningService, startService } from '../src/service/run.js';
import type { ServiceConfig } from '../src/service/service-config.js';
import { fromHex } from './memory.js';

export const TOKEN = 'a-token-for-tests-of-at-least-32-bytes';
/** A key that everybody knows, so that tests can say what must be nowhere. */
export const MASTER_KEY_HEX = '5ec12e7000000000000000000000000000000000000000000000000000d00dad';

/** A database, token and master key that are gone after the test. */
export interface Files {
  readonly directory: string;
  readonly database: string;
  readonly token: string;
  readonly masterKey: string;
}

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function makeFiles(): Files {
  const files = makeLastingFiles();
  cleanups.push(() => removeFiles(files));
  return files;
}

export function removeFiles({ directory }: Files): void {
  rmSync(directory, { recursive: true, force: true });
}

/** For several tests together: they end with `removeFiles`. */
export function makeLastingFiles(): Files {
  const directory = mkdtempSync(join(tmpdir(), 'signer-test-'));
  const files = {
    directory,
    database: join(directory, 'keys.db'),
    token: join(directory, 'token'),
    masterKey: join(directory, 'master-key'),
  };
  writeFileSync(files.token, `${TOKEN}\n`, { mode: 0o600 });
  writeFileSync(files.masterKey, fromHex(MASTER_KEY_HEX), { mode: 0o600 });
  return files;
}

/** The command line of the built service on these files, on a free port. */
export function serviceCommand(files: Files, more: readonly string[] = []): string[] {
  return [
    fileURLToPath(new URL('../dist/main.js', import.meta.url)),
    ...(more.includes('--database') ? [] : ['--database', files.database]),
    ...['--token-file', files.token],
    ...(more.includes('--master-key-file') ? [] : ['--master-key-file', files.masterKey]),
    ...(more.includes('--socket') ? [] : ['--port', '0']),
    ...more,
  ];
}

export class TestService {
  readonly running: RunningService;
  readonly files: Files;

  constructor(running: RunningService, files: Files) {
    this.running = running;
    this.files = files;
  }

  get url(): string {
    return this.running.url;
  }

  post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const json = body !== undefined && !(body instanceof Uint8Array);
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(json && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && {
        body: json ? JSON.stringify(body) : Buffer.from(body as Uint8Array),
      }),
    });
  }

  importKey(key: Uint8Array): Promise<Response> {
    return this.post('/v1/keys/import', key, { 'content-type': 'application/octet-stream' });
  }
}

/** Starts the service in this process; it ends with the test. */
export async function testService(
  options: Partial<ServiceConfig> = {},
  files: Files = makeFiles(),
): Promise<TestService> {
  const config: ServiceConfig = {
    database: { kind: 'sqlite', path: files.database },
    tokenPath: files.token,
    masterKeySource: { kind: 'file', path: files.masterKey },
    backend: 'nolock',
    budgetByteLength: undefined,
    signing: 'in-process',
    raiseLimit: false,
    crashPolicy: 'retry',
    exitWhenLost: false,
    listening: { kind: 'port', host: '127.0.0.1', port: 0 },
    chainId: undefined,
    callMsMax: 30_000,
    logLevel: process.env['SIGNER_TEST_LOG'] === '1' ? 'info' : 'silent',
    queueLengthMax: 2_000,
    waitMsMax: 8_000,
    requestMsMax: 10_000,
    approvalMs: 0,
    sealed: false,
    demonstration: false,
    ...options,
  };
  const running = await startService(config, join(files.directory, 'no-dashboard'));
  let closed = false;
  const once = {
    ...running,
    close: async () => {
      if (!closed) await running.close();
      closed = true;
    },
  };
  cleanups.push(once.close);
  return new TestService(once, files);
}

/** The body of an answer that is a problem. */
export async function problemOf(response: Response) {
  const body = (await response.json()) as { type: string; status: number; detail: string };
  return { status: response.status, type: body.type.replace('urn:securemem:signer:', '') };
}
