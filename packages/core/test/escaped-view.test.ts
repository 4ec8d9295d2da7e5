import { describe, expect, it } from 'vitest';
import type { Secret } from '../src/index.js';
import { open, PAGE, thrown, turn } from './fixture.js';

const hidden = new Uint8Array(new ArrayBuffer(32)).fill(0xa5);

describe('views that are not given back', () => {
  it.each(['escaped', 'stuck'] as const)(
    'a view that is %s wipes the secret and keeps its slot out of use',
    (outcome) => {
      const { memory, kernel, backend } = open({ capabilities: {} });
      const [secret, neighbour] = memory.allocateAllSync([32, 32]) as [Secret, Secret];
      neighbour.write((bytes) => bytes.fill(7));
      backend.failViewClose({ outcome });
      const error = thrown(() => secret.read((bytes) => bytes[0]));
      expect(error.code).toBe('ERR_SECMEM_VIEW_ESCAPED');
      expect(secret.disposed).toBe(true);
      expect(memory.stats()).toMatchObject({
        secrets: 1,
        quarantine: { slots: 1, byteLength: 32 },
        events: { quarantine: 1 },
      });
      expect(neighbour.read((bytes) => bytes.every((byte) => byte === 7))).toBe(true);
      expect(kernel.violations).toEqual([]);
    },
  );

  it('VIEW_ESCAPED keeps what the callback threw as its cause', () => {
    const { memory, backend } = open();
    const secret = memory.allocateSync(32);
    backend.failViewClose({ outcome: 'escaped' });
    const mine = new Error('mine');
    const error = thrown(() =>
      secret.read(() => {
        throw mine;
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_SECMEM_VIEW_ESCAPED', cause: mine });
  });

  it('at quarantineMax no more views are opened: accesses lend copies, and receipts say so', () => {
    const { memory, backend } = open({ quarantineMax: 2 });
    for (let i = 0; i < 2; i++) {
      const secret = memory.allocateSync(32);
      expect(secret.receipt.access).toBe('view');
      backend.failViewClose({ outcome: 'escaped' });
      expect(thrown(() => secret.read(() => 0)).code).toBe('ERR_SECMEM_VIEW_ESCAPED');
    }
    const next = memory.adoptSync(hidden.slice());
    const views = backend.calls('openView');
    expect(next.read((bytes) => bytes[0])).toBe(0xa5);
    expect(backend.calls('openView')).toBe(views);
    expect(next.receipt).toMatchObject({ access: 'copy' });
    expect(next.receipt.weaknesses.map((w) => w.field)).toContain('access');
  });

  it('close() leaves a region with an escaped view mapped and wiped, and reports its bytes', async () => {
    const { memory, kernel, backend } = open({ atRest: 'no-access' });
    const secret = memory.adoptSync(hidden.slice());
    backend.failViewClose({ outcome: 'escaped' });
    thrown(() => secret.read(() => 0));
    await turn();
    const [region] = kernel.regionIds;
    expect(kernel.protectionOf(region as never)).toBe('read-write');
    const next = memory.allocateSync(32);
    expect(next.receipt.noAccessAtRest).toBe(true);
    expect(await memory.close()).toMatchObject({ byteLengthLeftMapped: PAGE });
    expect(Buffer.from(kernel.peek(region as never, 0, PAGE)).includes(Buffer.from(hidden))).toBe(
      false,
    );
  });

  it('an escaped copy is an error, and the secret keeps its bytes', () => {
    const { memory } = open({ capabilities: { views: 'none' } });
    const secret = memory.adoptSync(hidden.slice());
    const error = thrown(() =>
      secret.write((bytes) => {
        structuredClone(bytes.buffer, { transfer: [bytes.buffer as ArrayBuffer] });
      }),
    );
    expect(error).toMatchObject({ code: 'ERR_SECMEM_VIEW_ESCAPED', details: { copy: true } });
    expect(secret.equals(hidden)).toBe(true);
  });
});
