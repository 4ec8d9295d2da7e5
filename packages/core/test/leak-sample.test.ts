import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { LeakDetection, Secret } from '../src/index.js';
import { open } from './fixture.js';

const SAMPLE_EVERY = 256;

/** An allocator, the handles of which its collector is told, and the leaks that it reports. */
function sampled(leakDetection?: LeakDetection) {
  const told = new Map<object, () => void>();
  vi.stubGlobal(
    'FinalizationRegistry',
    class {
      readonly #report: (held: unknown) => void;
      constructor(report: (held: unknown) => void) {
        this.#report = report;
      }
      register(handle: object, held: unknown): void {
        told.set(handle, () => this.#report(held));
      }
      unregister(handle: object): void {
        told.delete(handle);
      }
    },
  );
  const { memory } = open(leakDetection === undefined ? {} : { leakDetection });
  vi.unstubAllGlobals();
  const reports: unknown[] = [];
  const listener = (message: unknown): void => void reports.push(message);
  subscribe('securemem:leak', listener);
  onTestFinished(() => void unsubscribe('securemem:leak', listener));
  const allocate = (count: number): Secret[] =>
    Array.from({ length: count }, () => memory.allocateSync(32));
  return { memory, told, reports, allocate };
}

it('G8 watches a handle of the sample from the next choice on, and reports it', () => {
  const { told, reports, allocate } = sampled();
  const chosen = allocate(SAMPLE_EVERY).at(-1) as Secret;
  expect(told.size).toBe(0);
  allocate(SAMPLE_EVERY);
  expect([...told.keys()]).toEqual([chosen]);
  told.get(chosen)?.();
  expect(reports).toMatchObject([{ byteLength: 32 }]);
});

it('G8 tells the collector of no handle that is disposed before the next choice', () => {
  const { memory, told } = sampled();
  const register = vi.spyOn(told, 'set');
  for (let i = 0; i < 10 * SAMPLE_EVERY; i++) memory.allocateSync(32).dispose();
  expect(register).not.toHaveBeenCalled();
});

it('G8 forgets a watched handle when it is disposed, and reports where a resize has moved it', () => {
  const { told, reports, allocate } = sampled();
  const [first] = allocate(SAMPLE_EVERY).slice(-1) as [Secret];
  const [second] = allocate(SAMPLE_EVERY).slice(-1) as [Secret];
  allocate(SAMPLE_EVERY);
  expect(told.size).toBe(2);
  second.resize(100);
  told.get(second)?.();
  expect(reports).toMatchObject([{ byteLength: 100 }]);
  first.dispose();
  expect([...told.keys()]).toEqual([second]);
});

it("G8 watches every handle at once with 'all', and none with 'off'", () => {
  const all = sampled('all');
  const handles = all.allocate(3);
  expect([...all.told.keys()]).toEqual(handles);
  const off = sampled('off');
  off.allocate(3 * SAMPLE_EVERY);
  expect(off.told.size).toBe(0);
});

it('G8 takes a read of a watched secret for no access that is still open', () => {
  const { memory, told, allocate } = sampled();
  const [chosen] = allocate(SAMPLE_EVERY).slice(-1) as [Secret];
  allocate(SAMPLE_EVERY);
  chosen.read(() => {});
  const before = memory.stats().secrets;
  chosen.dispose();
  expect(told.size).toBe(0);
  expect(memory.stats().secrets).toBe(before - 1);
});
