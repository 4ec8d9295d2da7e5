import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const APT = '/etc/apt';

/**
 * Where the apt of this machine gets Debian's packages and their security updates; undefined where it knows no such place, as
 * on another distribution.
 * @returns {{ main: string, security: string } | undefined}
 */
export function mirrors() {
  const lists = join(APT, 'sources.list.d');
  const files = [
    join(APT, 'sources.list'),
    ...(existsSync(lists) ? readdirSync(lists).map((name) => join(lists, name)) : []),
  ];
  const text = files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
    .replaceAll(/^\s*#.*$/gm, '');
  const main = /\bhttps?:\/\/\S+\/debian\/?(?=\s|$)/.exec(text)?.[0];
  const security = /\bhttps?:\/\/\S+\/debian-security\/?(?=\s|$)/.exec(text)?.[0];
  return main === undefined ? undefined : { main, security: security ?? main };
}
