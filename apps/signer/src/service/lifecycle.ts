import type { Vault } from '../signing/vault.js';
import { closing, Problem } from './problem.js';

/**
 * What the service can do with its keys. Only `unsealed` signs. `lost`: the process with the keys is gone and its policy
 * gave up; unsealing starts another one. `halted`: its policy said that nothing goes on until somebody has looked.
 */
export type ServiceState =
  | 'sealed'
  | 'unsealing'
  | 'unsealed'
  | 'sealing'
  | 'lost'
  | 'halted'
  | 'closing';

/** What opens the vault; it may reject, and the vault is closed then. */
type Open = () => Promise<void>;

/**
 * Takes the vault from one state to another, one transition at a time. A vault is opened when it is closed and not
 * otherwise, so no second process with keys can be left behind; and a seal wins over every unseal that was asked for
 * before it.
 */
export class Lifecycle {
  readonly #vault: Vault;
  readonly #open: Open;
  /** Ends when every transition that was asked for has ended. Never rejects. */
  #last: Promise<unknown> = Promise.resolve();
  #transition: 'unsealing' | 'sealing' | undefined;
  /** The unseal that is under way or asked for; whoever asks meanwhile shares it. */
  #unseal: Promise<void> | undefined;
  /** Counts seals: an unseal that was asked for before the last one is not carried out. */
  #seals = 0;
  #halted = false;
  #closing = false;

  constructor(vault: Vault, open: Open) {
    this.#vault = vault;
    this.#open = open;
  }

  get state(): ServiceState {
    if (this.#closing) return 'closing';
    if (this.#transition !== undefined) return this.#transition;
    const { condition } = this.#vault.health;
    if (condition === 'halted') this.#halted = true;
    if (this.#halted) return 'halted';
    if (this.#vault.state === 'sealed') return 'sealed';
    return condition === 'lost' || condition === 'closed' ? 'lost' : 'unsealed';
  }

  /** Throws the Problem of a state that does not sign. */
  requireUnsealed(): void {
    const { state } = this;
    if (state === 'unsealed') return;
    if (state === 'closing') throw closing();
    if (state === 'halted') throw halted();
    if (state === 'lost')
      throw new Problem(503, 'keeper-gone', 'the process that signs is lost: unseal');
    throw new Problem(503, 'sealed', `the service is ${state}`);
  }

  /**
   * Resolves when the service is unsealed; where it is already, nothing happens. Rejects with a Problem: what opening
   * said, `halted`, `closing`, or 409 `sealed-meanwhile`.
   */
  unseal(): Promise<void> {
    if (this.#closing) return Promise.reject(closing());
    if (this.#unseal !== undefined) return this.#unseal;
    if (this.state === 'unsealed') return Promise.resolve();
    if (this.#halted) return Promise.reject(halted());
    return this.#unsealLater();
  }

  /** Resolves when no key is anywhere. A halt stays one. */
  seal(): Promise<void> {
    if (this.#closing) return Promise.reject(closing());
    return this.#sealLater();
  }

  /** Seals and unseals as one, for a new beginning that somebody chose: it ends a halt. */
  renew(): Promise<void> {
    if (this.#closing) return Promise.reject(closing());
    void this.#sealLater();
    this.#halted = false;
    return this.#unsealLater();
  }

  /** Refuses every transition from now on, and wipes everything once the one under way has ended. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#seals++;
    await this.#last;
    await this.#vault.close();
  }

  #unsealLater(): Promise<void> {
    const seals = this.#seals;
    const current = (): void => {
      if (this.#closing) throw closing();
      if (seals === this.#seals) return;
      throw new Problem(409, 'sealed-meanwhile', 'the service was sealed before it was unsealed');
    };
    const unseal = this.#next('unsealing', async () => {
      current();
      await this.#open();
      // The seal that came meanwhile is next in the line: it closes what was opened.
      current();
    });
    this.#unseal = unseal;
    const done = (): void => {
      if (this.#unseal === unseal) this.#unseal = undefined;
    };
    unseal.then(done, done);
    return unseal;
  }

  #sealLater(): Promise<void> {
    this.#seals++;
    this.#unseal = undefined;
    return this.#next('sealing', () => this.#vault.seal());
  }

  /** From the moment that a transition is asked for the state is no other one's. */
  #next(transition: 'unsealing' | 'sealing', work: () => Promise<void>): Promise<void> {
    this.#transition = transition;
    const mine = this.#last.then(async () => {
      this.#transition = transition;
      await work();
    });
    const ended = mine.then(
      () => {},
      () => {},
    );
    this.#last = ended;
    ended.then(() => {
      if (this.#last === ended) this.#transition = undefined;
    });
    return mine;
  }
}

function halted(): Problem {
  const detail = 'a crash halted the service: look at its cause, and start it anew';
  return new Problem(503, 'halted', detail);
}
