import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it, onTestFinished } from 'vitest';
import { open, PAGE } from './fixture.js';

const own = { routing: { pooledByteLengthMax: 0 } };

/** Collects what is published on a channel until the test ends. */
function heard(name: string): unknown[] {
  const messages: unknown[] = [];
  const listener = (message: unknown): void => void messages.push(message);
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
  return messages;
}

describe('telemetry', () => {
  it('traces each wait from the queue to its end', async () => {
    const started = heard('tracing:securemem:wait:start');
    const ended = heard('tracing:securemem:wait:asyncEnd');
    const failed = heard('tracing:securemem:wait:error');
    const { memory } = open({ ...own, budget: { lockedByteLengthMax: PAGE } });
    const holder = memory.allocateSync(32);
    const served = memory.allocate(32);
    const late = memory.allocate(32, { waitMsMax: 1 }).catch(() => {});
    await late;
    holder.dispose();
    (await served).dispose();
    expect(started).toHaveLength(2);
    expect(ended).toHaveLength(2);
    expect(failed).toHaveLength(1);
    expect(ended[1]).toMatchObject({ backend: 'fake', requestedByteLength: 32 });
  });

  it('stats() counts to the byte, by route', () => {
    const { memory, kernel } = open();
    memory.allocateAllSync([10, 20, 30, 5000]);
    expect(memory.stats()).toMatchObject({
      secrets: 4,
      primary: {
        mappedByteLength: kernel.mappedByteLength,
        lockedByteLength: kernel.lockedByteLength,
        routes: {
          pooled: { secrets: 3, byteLength: 60 },
          own: { secrets: 1, byteLength: 5000 },
        },
      },
    });
  });
});
