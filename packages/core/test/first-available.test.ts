import { describe, expect, it } from 'vitest';
import type { BackendFactory } from '../src/contract/index.js';
import { firstAvailable } from '../src/index.js';
import { type FakeBackendOptions, fakeBackend } from '../src/testing/index.js';
import { thrown } from './fixture.js';

/** A factory that opens with these options whatever it is given. */
function factory(name: string, options: FakeBackendOptions): BackendFactory {
  return Object.assign(() => fakeBackend({ ...options, name }), {
    backendName: name,
    probe: () => fakeBackend.probe(options),
  });
}

/** One whose probe promises what its opening does not keep. */
function liar(name: string, error: unknown): BackendFactory {
  const open = (): never => {
    throw error;
  };
  return Object.assign(open, { backendName: name, probe: () => fakeBackend.probe() });
}

describe('firstAvailable()', () => {
  it('opens the first that can, past those that say no and those that fail', () => {
    const opened = firstAvailable([
      factory('hidden', { unavailable: 'the kernel has no memfd_secret' }),
      liar('broken', new Error('wrong libc')),
      factory('second', {}),
      liar('never', new Error('not asked')),
    ]);
    expect(opened.name).toBe('second');
    opened[Symbol.dispose]();
  });

  it('gives the reason of each when none can', () => {
    const error = thrown(() =>
      firstAvailable([
        factory('hidden', { unavailable: 'the kernel has no memfd_secret' }),
        liar('broken', new Error('wrong libc')),
        liar('rude', 'just a string'),
      ]),
    );
    const reasons = {
      hidden: 'the kernel has no memfd_secret',
      broken: 'wrong libc',
      rude: 'just a string',
    };
    expect(error).toMatchObject({ code: 'ERR_SECMEM_BACKEND_UNAVAILABLE', details: { reasons } });
    for (const [name, reason] of Object.entries(reasons)) {
      expect(error.message).toContain(`${name}: ${reason}`);
    }
  });

  it('says so when there was nothing to choose from', () => {
    expect(thrown(() => firstAvailable([]))).toMatchObject({
      code: 'ERR_SECMEM_BACKEND_UNAVAILABLE',
      message: expect.stringContaining('none was given'),
    });
  });

  it('a fake that is not available throws when it is opened all the same', () => {
    expect(thrown(() => fakeBackend({ unavailable: 'not here' }))).toMatchObject({
      code: 'ERR_SECMEM_BACKEND_UNAVAILABLE',
      backend: 'fake',
    });
    expect(thrown(() => fakeBackend({ name: 'odd', unavailable: 'not here' }))).toMatchObject({
      backend: 'odd',
    });
  });
});
