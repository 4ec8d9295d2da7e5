import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it, onTestFinished, vi } from 'vitest';
import { open } from './fixture.js';

/** A collector that takes what it is told to take. */
class Collector {
  static takes: (handle: object) => void = () => {};
  readonly #held = new Map<object, unknown>();

  constructor(report: (held: unknown) => void) {
    Collector.takes = (handle) => {
      if (this.#held.has(handle)) report(this.#held.get(handle));
    };
  }

  register(handle: object, held: unknown): void {
    this.#held.set(handle, held);
  }

  unregister(handle: object): void {
    this.#held.delete(handle);
  }
}

/** An allocator that watches every handle, and the leaks it reports. */
function watched() {
  vi.stubGlobal('FinalizationRegistry', Collector);
  const { memory } = open({ leakDetection: 'all' });
  vi.unstubAllGlobals();
  const reports: { byteLength: number; stack: string }[] = [];
  const listener = (message: unknown): void => void reports.push(message as never);
  subscribe('securemem:leak', listener);
  onTestFinished(() => void unsubscribe('securemem:leak', listener));
  return { memory, reports };
}

it('G8 reports a handle that was dropped, and not one that was disposed', () => {
  const { memory, reports } = watched();
  const [dropped, disposed] = memory.allocateAllSync([32, 32]);
  disposed?.dispose();
  Collector.takes(disposed as object);
  expect(reports).toEqual([]);
  Collector.takes(dropped as object);
  expect(reports).toMatchObject([{ byteLength: 32 }]);
  expect(memory.stats().secrets).toBe(1);
});

it('G8 reports a secret that a resize has moved, with its new length and where it was made', () => {
  const { memory, reports } = watched();
  const makeSecret = () => memory.allocateSync(32);
  const secret = makeSecret();
  const growSecret = () => secret.resize(5_000);
  growSecret();
  memory.allocateSync(32);
  Collector.takes(secret);
  expect(reports).toMatchObject([{ byteLength: 5_000 }]);
  expect(reports[0]?.stack).toContain('makeSecret');
  expect(reports[0]?.stack).not.toContain('growSecret');
});

it('G8 reports nothing of a secret that was disposed after a resize has moved it', () => {
  const { memory, reports } = watched();
  const secret = memory.allocateSync(32);
  secret.resize(5_000);
  secret.dispose();
  memory.allocateSync(5_000);
  Collector.takes(secret);
  expect(reports).toEqual([]);
});

it("G8 names the caller, however deep in core a secret was made, and leaves the program's limit of frames", () => {
  const { memory, reports } = watched();
  const { stackTraceLimit } = Error;
  const makeSecret = () => memory.randomSync(5_000);
  Collector.takes(makeSecret());
  expect(reports[0]?.stack).toContain('makeSecret');
  expect(Error.stackTraceLimit).toBe(stackTraceLimit);
});
