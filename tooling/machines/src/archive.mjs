import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { run } from '@securemem/launch/runtime';
import { cache } from './cache.mjs';
import { mirrors } from './mirrors.mjs';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Suites that get security updates from an archive of their own. */
const STABLE = ['bullseye', 'bookworm', 'trixie'];

/** Lists of packages older than this are asked for anew. */
const LISTS_MS_MAX = 7 * 86_400_000;

/**
 * Debian's archive of one suite for one architecture. Apt reads a source list of its own and writes into the cache; what the
 * machine has installed is neither read nor changed.
 */
export class Archive {
  /** @type {string} */
  #suite;
  /** @type {string} */
  #architecture;
  /** @type {string} */
  #home;

  /** @param {string} suite @param {string} architecture as Debian calls it */
  constructor(suite, architecture) {
    this.#suite = suite;
    this.#architecture = architecture;
    this.#home = join(cache, 'apt', `${suite}-${architecture}`);
  }

  /**
   * The packages that a package brings along, itself first, as far as their names match.
   * @param {string} name @param {RegExp} wanted @returns {string[]}
   */
  namesUnder(name, wanted) {
    this.#update();
    const names = [name];
    for (const one of names) {
      const said = this.#apt('apt-cache', ['depends', one]);
      for (const [, dependency = ''] of said.matchAll(/^\s*(?:Pre)?Depends: (\S+)$/gm)) {
        if (wanted.test(dependency) && !names.includes(dependency)) names.push(dependency);
      }
    }
    return names;
  }

  /**
   * Downloads a package and unpacks it, unless it is there; nothing of it is run. Returns the directory.
   * @param {string} name
   */
  unpack(name) {
    const directory = join(cache, 'packages', `${name}-${this.#architecture}`);
    if (existsSync(directory)) return directory;
    this.#update();
    const unfinished = `${directory}.${process.pid}`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    this.#apt('apt-get', ['download', '-qq', name], unfinished);
    const file = readdirSync(unfinished).find((entry) => entry.endsWith('.deb'));
    if (file === undefined) throw new Error(`apt downloaded nothing for ${name}`);
    run('dpkg-deb', ['-x', join(unfinished, file), join(unfinished, 'content')]);
    renameSync(join(unfinished, 'content'), directory);
    rmSync(unfinished, { recursive: true, force: true });
    return directory;
  }

  #update() {
    const list = join(this.#home, 'sources.list');
    const known = statSync(join(this.#home, 'updated'), { throwIfNoEntry: false });
    if (known !== undefined && Date.now() - known.mtimeMs < LISTS_MS_MAX) return;
    mkdirSync(join(this.#home, 'lists', 'partial'), { recursive: true });
    mkdirSync(join(this.#home, 'cache', 'archives', 'partial'), { recursive: true });
    const places = mirrors();
    if (places === undefined) throw new Error('the apt of this machine knows no archive of Debian');
    const lines = [`deb [signed-by=${KEYRING}] ${places.main} ${this.#suite} main`];
    if (STABLE.includes(this.#suite)) {
      lines.push(`deb [signed-by=${KEYRING}] ${places.security} ${this.#suite}-security main`);
    }
    writeFileSync(list, `${lines.join('\n')}\n`);
    this.#apt('apt-get', ['update', '-qq']);
    writeFileSync(join(this.#home, 'updated'), '');
  }

  /** @param {string} command @param {readonly string[]} args @param {string} [cwd] */
  #apt(command, args, cwd = this.#home) {
    const options = {
      'Dir::Etc::sourcelist': join(this.#home, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::State::lists': join(this.#home, 'lists'),
      'Dir::State::status': '/dev/null',
      'Dir::Cache': join(this.#home, 'cache'),
      'APT::Architecture': this.#architecture,
      'APT::Architectures': this.#architecture,
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
    };
    const given = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return run(command, [...given, ...args], { cwd });
  }
}
