import type { DatabaseLocation } from './open-store.js';
import { ConfigError } from './option-values.js';

const PORT = 5_432;
const TLS_MODES = ['disable', 'verify-full'];

/** What `--database` names. Throws ConfigError; a password in an address would be in the list of processes. */
export function databaseLocation(text: string, passwordPath?: string): DatabaseLocation {
  if (!/^postgres(ql)?:\/\//.test(text)) {
    if (passwordPath !== undefined) {
      throw new ConfigError('--database-password-file needs --database postgres://…');
    }
    return { kind: 'sqlite', path: text };
  }
  const url = parsed(text);
  if (url.password !== '' || url.searchParams.has('password')) {
    throw new ConfigError('--database must not hold a password: use --database-password-file');
  }
  for (const name of url.searchParams.keys()) {
    if (name !== 'sslmode' && name !== 'host') {
      throw new ConfigError(`--database: the parameter ${name} is unknown here`);
    }
  }
  const host =
    url.searchParams.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '');
  const database = decodeURIComponent(url.pathname.slice(1));
  const user = decodeURIComponent(url.username);
  if (host === '' || database === '' || user === '') {
    throw new ConfigError('--database must be postgres://USER@HOST[:PORT]/NAME');
  }
  const here =
    host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
  const mode = url.searchParams.get('sslmode') ?? (here ? 'disable' : 'verify-full');
  if (!TLS_MODES.includes(mode)) {
    throw new ConfigError(`--database: sslmode must be one of ${TLS_MODES.join(', ')}`);
  }
  const port = url.port === '' ? PORT : Number(url.port);
  return { kind: 'postgresql', host, port, user, database, tls: mode !== 'disable', passwordPath };
}

function parsed(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw new ConfigError('--database must be postgres://USER@HOST[:PORT]/NAME');
  }
}
