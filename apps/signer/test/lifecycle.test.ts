import { describe, expect, test } from 'vitest';
import { Lifecycle } from '../src/service/lifecycle.js';
import type { Vault } from '../src/signing/vault.js';
import { fromHex } from './memory.js';
import { countIn, descendantsOf } from './memory-scan.js';
import { MASTER_KEY_HEX, makeFiles, problemOf, testService } from './service.js';
import { ServiceProcess } from './service-process.js';

/** A vault that is opened and sealed when the test says so. */
class SlowVault {
  readonly kind = 'keeper';
  state: 'sealed' | 'unsealed' = 'sealed';
  condition = 'ready';
  opened = 0;
  sealed = 0;
  /** More than one at a time would be the fault. */
  busyMax = 0;
  #busy = 0;
  readonly #steps: (() => void)[] = [];

  get health() {
    return { condition: this.state === 'sealed' ? 'sealed' : this.condition };
  }

  async open(): Promise<void> {
    await this.#step();
    this.opened++;
    this.state = 'unsealed';
  }

  async seal(): Promise<void> {
    await this.#step();
    this.sealed++;
    this.state = 'sealed';
  }

  async close(): Promise<void> {
    this.state = 'sealed';
  }

  /** Lets everything end that has begun, and what begins by that, until nothing is left. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      await new Promise(setImmediate);
      const step = this.#steps.shift();
      idle = step === undefined ? idle + 1 : 0;
      step?.();
    }
  }

  #step(): Promise<void> {
    this.busyMax = Math.max(this.busyMax, ++this.#busy);
    return new Promise((resolve) => {
      this.#steps.push(() => {
        this.#busy--;
        resolve();
      });
    });
  }
}

function make() {
  const vault = new SlowVault();
  const lifecycle = new Lifecycle(vault as unknown as Vault, () => vault.open());
  return { vault, lifecycle };
}

/** What became of a promise, without waiting for it. */
function outcome(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => 'done',
    ({ slug }) => slug as string,
  );
}

describe('KS1 Lifecycle', () => {
  test('unseal() twenty times at once opens once', async () => {
    const { vault, lifecycle } = make();
    const all = Array.from({ length: 20 }, () => outcome(lifecycle.unseal()));
    expect(lifecycle.state).toBe('unsealing');
    await vault.settle();
    expect(new Set(await Promise.all(all))).toEqual(new Set(['done']));
    expect(vault).toMatchObject({ opened: 1, busyMax: 1, state: 'unsealed' });
    expect(lifecycle.state).toBe('unsealed');
  });

  test('unseal() of what is unsealed changes nothing', async () => {
    const { vault, lifecycle } = make();
    const first = lifecycle.unseal();
    await vault.settle();
    await first;
    await lifecycle.unseal();
    expect(vault.opened).toBe(1);
  });

  test('seal() wins over an unseal that is under way, and over one that waits', async () => {
    const { vault, lifecycle } = make();
    const first = outcome(lifecycle.unseal());
    await new Promise(setImmediate);
    const seal = outcome(lifecycle.seal());
    expect(lifecycle.state).toBe('sealing');
    await vault.settle();
    expect(await first).toBe('sealed-meanwhile');
    expect(await seal).toBe('done');
    expect(vault).toMatchObject({ state: 'sealed', opened: 1, sealed: 1, busyMax: 1 });
    expect(lifecycle.state).toBe('sealed');
  });

  test('unseal() after seal() is carried out after it, and any mix ends in the last that was asked for', async () => {
    for (let mix = 0; mix < 64; mix++) {
      const { vault, lifecycle } = make();
      const wanted = Array.from({ length: 6 }, (_, at) => ((mix >> at) & 1 ? 'seal' : 'unseal'));
      const all = wanted.map((name) => outcome(lifecycle[name as 'seal' | 'unseal']()));
      await vault.settle();
      await Promise.all(all);
      expect(vault.busyMax).toBe(1);
      expect(vault.state).toBe(wanted.at(-1) === 'seal' ? 'sealed' : 'unsealed');
      expect(lifecycle.state).toBe(vault.state);
    }
  });

  test('a failed unseal leaves the vault sealed, and the next one is tried', async () => {
    const vault = new SlowVault();
    let attempts = 0;
    const lifecycle = new Lifecycle(vault as unknown as Vault, async () => {
      if (attempts++ === 0) throw Object.assign(new Error('no'), { slug: 'bad-key' });
      await vault.open();
    });
    expect(await outcome(lifecycle.unseal())).toBe('bad-key');
    expect(lifecycle.state).toBe('sealed');
    const second = outcome(lifecycle.unseal());
    await vault.settle();
    expect(await second).toBe('done');
  });

  test('DB5 halted stays halted, through unseal() and seal(), until renew()', async () => {
    const { vault, lifecycle } = make();
    const first = lifecycle.unseal();
    await vault.settle();
    await first;
    vault.condition = 'halted';
    expect(lifecycle.state).toBe('halted');
    expect(await outcome(lifecycle.unseal())).toBe('halted');
    const seal = lifecycle.seal();
    await vault.settle();
    await seal;
    expect(lifecycle.state).toBe('halted');
    expect(await outcome(lifecycle.unseal())).toBe('halted');
    vault.condition = 'ready';
    const renewed = outcome(lifecycle.renew());
    await vault.settle();
    expect(await renewed).toBe('done');
    expect(lifecycle.state).toBe('unsealed');
  });

  test('close() refuses what comes, and lets go of what was opened meanwhile', async () => {
    const { vault, lifecycle } = make();
    const unseal = outcome(lifecycle.unseal());
    await new Promise(setImmediate);
    const closed = lifecycle.close();
    expect(await outcome(lifecycle.unseal())).toBe('closing');
    expect(await outcome(lifecycle.seal())).toBe('closing');
    await vault.settle();
    await closed;
    expect(await unseal).toBe('closing');
    expect(vault.state).toBe('sealed');
  });
});

describe.each(['in-process', 'keeper'])('KS1 the service with its keys %s', (signing) => {
  test('unsealed twenty times at once and then sealed has no child, and no process has its master key', {
    timeout: 240_000,
  }, async (ctx) => {
    if (process.platform !== 'linux') ctx.skip('not proven: memory is searched through /proc');
    const service = await ServiceProcess.start(makeFiles(), ['--signing', signing, '--sealed']);
    const pid = service.child.pid as number;
    const masterKey = fromHex(MASTER_KEY_HEX);
    const copies = (): number =>
      [pid, ...descendantsOf(pid)].reduce((sum, one) => sum + countIn(one, masterKey), 0);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => service.post('/v1/vault/unseal')),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(descendantsOf(pid)).toHaveLength(signing === 'keeper' ? 1 : 0);
    // The search finds what is there.
    expect(copies()).toBe(1);
    const unseals = Array.from({ length: 5 }, () => service.post('/v1/vault/unseal'));
    const seal = service.post('/v1/vault/seal');
    const late = await seal;
    await Promise.all(unseals);
    expect(late.status).toBe(200);
    // Whatever came after the seal is undone by one that nothing comes after.
    expect((await service.post('/v1/vault/seal')).status).toBe(200);
    expect(descendantsOf(pid)).toEqual([]);
    expect(copies()).toBe(0);
    expect(await service.end('SIGTERM')).toBe(0);
  });
});

describe.each(['in-process', 'keeper'] as const)('KS5 with its keys %s', (signing) => {
  test('unsealing while unsealed fails nobody', async () => {
    const service = await testService({ signing, approvalMs: 50 });
    const { address } = (await (await service.post('/v1/keys')).json()) as { address: string };
    const signatures = Array.from({ length: 60 }, () =>
      service.post(`/v1/keys/${address}/messages`, { text: 'x' }),
    );
    const unseals = Array.from({ length: 5 }, () => service.post('/v1/vault/unseal'));
    for (const answer of await Promise.all([...signatures, ...unseals])) {
      expect(answer.status).toBe(200);
    }
    const again = await service.post('/v1/vault/unseal');
    expect(await again.json()).toEqual({ state: 'unsealed', changed: false });
  });

  test('sealing meanwhile answers with sealed, not with closing', async () => {
    const service = await testService({ signing, approvalMs: 20 });
    const { address } = (await (await service.post('/v1/keys')).json()) as { address: string };
    const signatures = Array.from({ length: 60 }, () =>
      service.post(`/v1/keys/${address}/messages`, { text: 'x' }),
    );
    await service.post('/v1/vault/seal');
    for (const answer of await Promise.all(signatures)) {
      if (answer.status !== 200) {
        expect(await problemOf(answer)).toEqual({ status: 503, type: 'sealed' });
      }
    }
  });
});
