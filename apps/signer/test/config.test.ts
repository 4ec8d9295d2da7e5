import { describe, expect, test } from 'vitest';
import { backendOf } from '../src/commands/database-options.js';
import { parseConfig, SERVICE_USAGE } from '../src/service/config.js';
import { BACKEND_NAMES } from '../src/signing/backend.js';
import { parseStorm, USAGE } from '../src/storm/options.js';

const FILES = ['--database', 'd', '--token-file', 't'];
const KEY = ['--master-key-file', 'm'];

describe('parseConfig()', () => {
  test('fills in defaults that keep the service local', () => {
    expect(parseConfig([...FILES, ...KEY])).toMatchObject({
      listening: { kind: 'port', host: '127.0.0.1', port: 8_545 },
      signing: 'in-process',
      backend: 'koffi',
      demonstration: false,
      sealed: false,
      masterKeySource: { kind: 'file', path: 'm' },
    });
  });

  test.each([
    [[...FILES], '--master-key-file'],
    [[...FILES, ...KEY, '--master-key-fd', '3'], '--master-key-fd'],
    [[...FILES, '--master-key-terminal', '--signing', 'keeper'], 'terminal'],
    [['--token-file', 't', ...KEY], '--database'],
    [['--database', 'd', ...KEY], '--token-file'],
    [[...FILES, ...KEY, '--host', '0.0.0.0'], '--host'],
    [[...FILES, ...KEY, '--port', '70000'], '--port'],
    [[...FILES, ...KEY, '--budget', '-1'], '--budget'],
    [[...FILES, ...KEY, '--signing', 'cloud'], '--signing'],
    [[...FILES, ...KEY, '--unheard-of'], '--unheard-of'],
  ])('refuses %s', (args, named) => {
    expect(() => parseConfig(args)).toThrow(named);
  });

  test.each(BACKEND_NAMES)(
    'takes the backend %s, and so do every command and the storm',
    (backend) => {
      expect(parseConfig([...FILES, ...KEY, '--backend', backend])).toMatchObject({ backend });
      expect(backendOf({ backend })).toBe(backend);
      expect(parseStorm(['--backend', backend])).toMatchObject({ options: { backend } });
      for (const usage of [SERVICE_USAGE, USAGE]) expect(usage).toContain(backend);
    },
  );

  test('takes the master key from a file, a descriptor or a terminal', () => {
    expect(parseConfig([...FILES, '--master-key-fd', '3'])).toMatchObject({
      masterKeySource: { kind: 'descriptor', fd: 3 },
    });
    expect(parseConfig([...FILES, '--master-key-terminal'])).toMatchObject({
      masterKeySource: { kind: 'terminal' },
    });
  });
});
