import { afterAll, describe, expect, it } from 'vitest';
import { createAllocator, isSecureMemoryError, type Secret } from '../src/index.js';
import {
  createFakeKernel,
  type FaultyOperation,
  fakeBackend,
  faultyBackend,
} from '../src/testing/index.js';

/**
 * Each contract call fails at each position of each thing a program does; afterwards nothing may be left that should not
 * be. The table is printed at the end, so that a gap shows.
 */
const OPERATIONS = ['map', 'protect', 'wipe', 'read', 'write', 'openView', 'unmap'] as const;
const POSITIONS = 12;
const MARK = 0x5e;

interface Scene {
  readonly name: string;
  /** What is done before the failure is planned. */
  readonly before?: (act: Act) => void;
  readonly run: (act: Act) => void | Promise<void>;
}

interface Act {
  readonly memory: ReturnType<typeof createAllocator>;
  readonly secrets: Secret[];
}

const mark = (secret: Secret): Secret => {
  secret.write((bytes) => bytes.fill(MARK));
  return secret;
};
const some = (act: Act): void => {
  act.secrets.push(
    mark(act.memory.allocateSync(64)),
    mark(act.memory.allocateSync(64)),
    mark(act.memory.allocateSync(5000)),
  );
};

const SCENES: readonly Scene[] = [
  {
    name: 'create',
    run: ({ memory, secrets }) => {
      secrets.push(memory.allocateSync(64), memory.allocateSync(5000), memory.randomSync(100));
      secrets.push(...memory.allocateAllSync([64, 2000, 9000, 64]));
    },
  },
  {
    name: 'adopt',
    run: ({ memory, secrets }) => {
      const source = new Uint8Array(new ArrayBuffer(64)).fill(MARK);
      try {
        secrets.push(memory.adoptSync(source));
      } finally {
        source.fill(0);
      }
    },
  },
  {
    name: 'access',
    before: some,
    run: ({ secrets }) => {
      for (const secret of secrets) {
        secret.read((bytes) => bytes[0]);
        secret.write((bytes) => bytes.fill(MARK));
        const lease = secret.lend();
        lease.release();
        secret.equals(secrets[0] as Secret);
        secret.exportCopy().fill(0);
      }
    },
  },
  {
    name: 'resize',
    before: some,
    run: ({ secrets }) => {
      for (const n of [128, 6000, 16]) for (const secret of secrets) secret.resize(n);
    },
  },
  {
    name: 'release',
    before: some,
    run: ({ secrets }) => {
      for (const secret of secrets) secret.dispose();
    },
  },
  {
    name: 'phase',
    run: ({ memory }) =>
      memory.phase(async (phase) => {
        mark(await phase.allocate(64));
        mark(phase.allocateSync(7000));
      }),
  },
  { name: 'verify', before: some, run: ({ memory }) => void memory.verify() },
  { name: 'purge', before: some, run: ({ memory }) => memory.purge() },
  { name: 'close', before: some, run: async ({ memory }) => void (await memory.close()) },
];

const table: Record<string, Record<string, string>> = {};

afterAll(() => {
  console.table(table);
});

describe.each(['revocable', 'none'] as const)('A9 fault matrix, views %s', (views) => {
  describe.each(['accessible', 'no-access'] as const)('%s at rest', (atRest) => {
    it.each(SCENES)('$name survives each call failing at each position', async (scene) => {
      const cells: Record<string, string> = {};
      for (const operation of OPERATIONS) {
        let failed = 0;
        for (let on = 1; on <= POSITIONS; on++) {
          if (!(await survives(scene, operation, on))) break;
          failed++;
        }
        cells[operation] = failed === 0 ? 'not called' : `${failed} failed, clean`;
      }
      table[`${scene.name}, ${views}, ${atRest}`] = cells;
    });

    /** False when the call was not made so often, and the failure never happened. */
    async function survives(
      scene: Scene,
      operation: FaultyOperation,
      on: number,
    ): Promise<boolean> {
      const kernel = createFakeKernel();
      const backend = faultyBackend(fakeBackend({ kernel, capabilities: { views } }));
      const memory = createAllocator({ backend, atRest, exitHooks: false });
      const act: Act = { memory, secrets: [] };
      scene.before?.(act);
      await Promise.resolve();
      const calls = backend.calls(operation);
      backend.fail(operation, { on });
      try {
        await scene.run(act);
      } catch (error) {
        if (!isSecureMemoryError(error) && !(error instanceof AggregateError)) throw error;
      }
      await Promise.resolve();
      const happened = backend.calls(operation) >= calls + on;
      backend.heal();
      if (memory.stats().state === 'open') usable(memory, act);
      for (const secret of act.secrets) secret.dispose();
      memory.purge();
      const { state } = memory.stats();
      if (state === 'open') await memory.close();
      expect(memory.stats()).toMatchObject({
        secrets: 0,
        openAccesses: 0,
        admission: { waiting: 0 },
      });
      const left = kernel.regionIds.filter((id) => {
        const { byteLength } = kernel.find(id) as { byteLength: number };
        return kernel.peek(id, 0, byteLength).includes(MARK);
      });
      expect(left, `${operation} ${on}: readable bytes`).toEqual([]);
      if (!(scene.name === 'close' && operation === 'unmap')) {
        expect(kernel.regionCount, `${operation} ${on}: regions`).toBe(0);
        expect(kernel.lockedByteLength, `${operation} ${on}: locked`).toBe(0);
      }
      expect(kernel.violations).toEqual([]);
      return happened;
    }
  });

  function usable(memory: Act['memory'], act: Act): void {
    expect(memory.stats().secrets).toBeGreaterThanOrEqual(
      act.secrets.filter((secret) => !secret.disposed).length,
    );
    const next = memory.allocateSync(64);
    expect(next.read((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    next.dispose();
  }
});
