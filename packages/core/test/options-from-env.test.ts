import { describe, expect, it } from 'vitest';
import { createAllocator, optionsFromEnv } from '../src/index.js';
import { resolveOptions } from '../src/options.js';
import { fakeBackend } from '../src/testing/index.js';
import { thrown } from './fixture.js';

const EVERY = {
  SECUREMEM_LOCKED_BYTE_LENGTH_MAX: '65536',
  SECUREMEM_LOCKED_BYTE_LENGTH_MIN: '4096',
  SECUREMEM_HEADROOM_BYTE_LENGTH: '0',
  SECUREMEM_SECRETS_MAX: '10',
  SECUREMEM_RAISE_LIMIT: 'false',
  SECUREMEM_POOLED_BYTE_LENGTH_MAX: '4096',
  SECUREMEM_SLAB_BYTE_LENGTH_MAX: '65536',
  SECUREMEM_QUEUE_LENGTH_MAX: '7',
  SECUREMEM_WAIT_MS_MAX: '250',
  SECUREMEM_SEALS_PER_KEY_MAX: '4294967296',
  SECUREMEM_CLOSE_KEY_PAGES: 'false',
  SECUREMEM_FALLBACK_BYTE_LENGTH_MAX: '8192',
  SECUREMEM_ON_CAPACITY: 'fallback',
  SECUREMEM_ON_CORRUPTION: 'purge',
  SECUREMEM_AT_REST: 'no-access',
  SECUREMEM_LEAK_DETECTION: 'all',
  SECUREMEM_IDLE_MS: '500',
  SECUREMEM_REQUIRE: 'locked, guarded',
  SECUREMEM_ISOLATE_VIEWS: 'false',
  SECUREMEM_QUARANTINE_MAX: '3',
  SECUREMEM_EXIT_HOOKS: 'false',
};

describe('optionsFromEnv()', () => {
  it('reads every option but the backends, and createAllocator takes the result', async () => {
    const options = optionsFromEnv({ PATH: '/bin', ...EVERY });
    expect(options).toEqual({
      budget: {
        lockedByteLengthMax: 65_536,
        lockedByteLengthMin: 4096,
        headroomByteLength: 0,
        secretsMax: 10,
        raiseLimit: false,
      },
      routing: { pooledByteLengthMax: 4096, slabByteLengthMax: 65_536, isolateViews: false },
      admission: { queueLengthMax: 7, waitMsMax: 250 },
      sealing: { sealsPerKeyMax: 4_294_967_296, closeKeyPages: false },
      fallbackByteLengthMax: 8192,
      onCapacity: 'fallback',
      onCorruption: 'purge',
      atRest: 'no-access',
      leakDetection: 'all',
      idleMs: 500,
      require: ['locked', 'guarded'],
      quarantineMax: 3,
      exitHooks: false,
    });
    const memory = createAllocator({
      backend: fakeBackend(),
      fallback: fakeBackend(),
      ...options,
    });
    expect(memory.allocateSync(4096).receipt.route).toBe('pooled');
    await memory.close();
  });

  it('knows a variable for every option there is', () => {
    const resolved = resolveOptions({ backend: fakeBackend() });
    const names = Object.keys(resolved)
      // The last is no option: it says whether pooledByteLengthMax was given.
      .filter((name) => !['backend', 'fallback', 'sharesWhenTight'].includes(name))
      .map((name) => `SECUREMEM_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`);
    expect(names.toSorted()).toEqual(Object.keys(EVERY).toSorted());
  });

  it('gives nothing for an environment that says nothing', () => {
    expect(optionsFromEnv({})).toEqual({});
    expect(optionsFromEnv({ HOME: '/', SECUREMEM_AT_REST: undefined })).toEqual({});
    expect(optionsFromEnv({ SECUREMEM_LOCKED_BYTE_LENGTH_MAX: 'auto' })).toEqual({
      budget: { lockedByteLengthMax: 'auto' },
    });
  });

  const refused: [string, string, ErrorConstructor][] = [
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', 'abc', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', '-1', RangeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', '', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', ' 1', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', '1e3', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', '0x10', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', '4 KiB', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', 'NaN', TypeError],
    ['SECUREMEM_POOLED_BYTE_LENGTH_MAX', '2147483649', RangeError],
    ['SECUREMEM_LOCKED_BYTE_LENGTH_MAX', '99999999999999999999', RangeError],
    ['SECUREMEM_LOCKED_BYTE_LENGTH_MAX', 'Auto', TypeError],
    ['SECUREMEM_SECRETS_MAX', '0', RangeError],
    ['SECUREMEM_IDLE_MS', '1', RangeError],
    ['SECUREMEM_WAIT_MS_MAX', '2147483648', RangeError],
    ['SECUREMEM_RAISE_LIMIT', 'yes', TypeError],
    ['SECUREMEM_RAISE_LIMIT', '', TypeError],
    ['SECUREMEM_ON_CAPACITY', 'WAIT', TypeError],
    ['SECUREMEM_AT_REST', '', TypeError],
    ['SECUREMEM_REQUIRE', 'locked,,guarded', TypeError],
    ['SECUREMEM_REQUIRE', '', TypeError],
    ['SECUREMEM_POOLED_BYTES_MAX', '4096', TypeError],
    ['SECUREMEM_', '1', TypeError],
  ];
  it.each(refused)('Z1 refuses %s=%j by name, without its text', (name, text, kind) => {
    const error = thrown(() => optionsFromEnv({ [name]: text }));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(name);
    if (kind === TypeError && text.length > 2) expect(error.message).not.toContain(text);
  });

  it('refuses what is no environment', () => {
    expect(() => optionsFromEnv(null as never)).toThrow(TypeError);
    expect(() => optionsFromEnv({ SECUREMEM_IDLE_MS: 5 as never })).toThrow(TypeError);
  });
});

const LINKS = {
  SECUREMEM_SERVICE_HOST: '10.0.0.7',
  SECUREMEM_SERVICE_PORT: '8443',
  SECUREMEM_SERVICE_PORT_HTTPS: '8443',
  SECUREMEM_PORT: 'tcp://10.0.0.7:8443',
  SECUREMEM_PORT_8443_TCP: 'tcp://10.0.0.7:8443',
  SECUREMEM_PORT_8443_TCP_PROTO: 'tcp',
  SECUREMEM_PORT_8443_TCP_ADDR: '10.0.0.7',
  SECUREMEM_KEEPER_SERVICE_HOST: '10.0.0.8',
};

it('P14 optionsFromEnv() leaves out the links of Kubernetes services, and refuses a misspelt name', () => {
  const found = optionsFromEnv({ ...LINKS, SECUREMEM_SECRETS_MAX: '5' });
  expect(found).toEqual({ budget: { secretsMax: 5 } });
  expect(() => optionsFromEnv({ SECUREMEM_SECRET_MAX: '5' })).toThrow(TypeError);
  expect(() => optionsFromEnv({ SECUREMEM_PORTS: '5' })).toThrow(TypeError);
});
