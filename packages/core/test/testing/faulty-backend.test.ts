import { describe, expect, it } from 'vitest';
import { fakeBackend, faultyBackend } from '../../src/testing/index.js';

const PAGE = 4096;
const codeOf = (run: () => unknown): unknown => {
  try {
    run();
  } catch (error) {
    return (error as { code?: unknown }).code ?? (error as Error).message;
  }
  return undefined;
};

describe('the faulty backend', () => {
  it('fails the third call of map and no other', () => {
    const inner = fakeBackend();
    const backend = faultyBackend(inner, [{ operation: 'map', on: 3 }]);
    const codes = [1, 2, 3, 4].map(() => codeOf(() => backend.map(PAGE)));
    expect(codes).toEqual([undefined, undefined, 'ERR_SECMEM_LOCK_LIMIT', undefined]);
    expect(inner.kernel.regionCount).toBe(3);
    expect(backend.calls('map')).toBe(4);
  });

  it('fail() counts from the moment of planning, fails as often as told, with the error given', () => {
    const backend = faultyBackend(fakeBackend());
    const region = backend.map(PAGE);
    backend.protect(region, 'read-only');
    backend.fail('protect', { on: 2, times: 2, error: () => new Error('planned') });
    const codes = [1, 2, 3, 4].map(() => codeOf(() => backend.protect(region, 'read-only')));
    expect(codes).toEqual([undefined, 'planned', 'planned', undefined]);
    backend.fail('protect', { times: Number.POSITIVE_INFINITY });
    backend.heal();
    backend.protect(region, 'read-write');
  });

  it('a failing unmap wipes all the same and the region is still live', () => {
    const inner = fakeBackend();
    const backend = faultyBackend(inner, [{ operation: 'unmap' }]);
    const region = backend.map(PAGE);
    backend.write(region, PAGE - 1, new Uint8Array([7]));
    expect(codeOf(() => backend.unmap(region))).toBe('ERR_SECMEM_PLATFORM');
    expect(inner.kernel.peek(region, PAGE - 1, 1)).toEqual(new Uint8Array([0]));
    backend.unmap(region);
    expect(inner.kernel.regionCount).toBe(0);
  });

  it('failViewClose() decides the outcome and aliasAlive until the aliases are released', () => {
    const backend = faultyBackend(fakeBackend());
    const region = backend.map(PAGE);
    backend.failViewClose({ on: 2, outcome: 'stuck' });
    backend.failViewClose({ on: 3, outcome: 'escaped' });
    const views = [1, 2, 3].map(() => backend.openView(region, 0, 8));
    expect(views.map((view) => view.close())).toEqual(['revoked', 'stuck', 'escaped']);
    expect(views.map((view) => view.bytes.length)).toEqual([0, 8, 0]);
    expect(views.map((view) => view.aliasAlive())).toEqual([false, true, true]);
    backend.releaseAliases();
    expect(views.map((view) => view.aliasAlive())).toEqual([false, false, false]);
  });
});
