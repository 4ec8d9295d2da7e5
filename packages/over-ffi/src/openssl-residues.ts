import type { Address } from './address.js';
import type { CType, Ffi } from './ffi.js';
import { inverseModulo } from './modular-inverse.js';
import { requireMade } from './openssl-made.js';
import type { Place } from './system.js';

/** What is called of OpenSSL for numbers. */
export interface Numbers {
  make(): Address | null;
  free(number: Address): void;
  read(at: Place, byteLength: number, into: Address): Address | null;
  write(number: Address, to: Place, byteLength: number): number;
  random(into: Address, below: Address): number;
  compare(a: Address, b: Address): number;
  isOdd(number: Address): number;
  newContext(): Address | null;
  freeContext(context: Address): void;
  newForm(): Address | null;
  freeForm(form: Address): void;
  setForm(form: Address, modulus: Address, context: Address): number;
  toForm(into: Address, number: Address, form: Address, context: Address): number;
  multiply(into: Address, a: Address, b: Address, form: Address, context: Address): number;
  raise(
    into: Address,
    base: Address,
    exponent: Address,
    modulus: Address,
    context: Address,
    form: Address,
  ): number;
}

/** Throws where a function is missing. */
export function bindNumbers(ffi: Ffi): Numbers {
  const runtime = ffi.library(null);
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    runtime.func<F>(name, result, parameters);
  const p = 'pointer';
  return {
    make: call('BN_new', p),
    free: call('BN_clear_free', 'void', p),
    read: call('BN_bin2bn', p, p, 'int', p),
    write: call('BN_bn2binpad', 'int', p, p, 'int'),
    random: call('BN_priv_rand_range', 'int', p, p),
    compare: call('BN_cmp', 'int', p, p),
    isOdd: call('BN_is_odd', 'int', p),
    newContext: call('BN_CTX_new', p),
    freeContext: call('BN_CTX_free', 'void', p),
    newForm: call('BN_MONT_CTX_new', p),
    freeForm: call('BN_MONT_CTX_free', 'void', p),
    setForm: call('BN_MONT_CTX_set', 'int', p, p, p),
    toForm: call('BN_to_montgomery', 'int', p, p, p, p),
    multiply: call('BN_mod_mul_montgomery', 'int', p, p, p, p, p),
    raise: call('BN_mod_exp_mont', 'int', p, p, p, p, p, p),
  };
}

/** Calculates modulo one odd number, and frees all that it made, overwritten. Every step throws `OpensslFailed`. */
export class Residues {
  readonly #numbers: Numbers;
  readonly #modulus: Address;
  readonly #byteLength: number;
  readonly #context: Address | null;
  readonly #form: Address | null;
  readonly #made: Address[] = [];

  /** Whoever makes one calls `begin()`, and in the end `free()`, even where that throws. */
  constructor(numbers: Numbers, modulus: Address, byteLength: number) {
    this.#numbers = numbers;
    this.#modulus = modulus;
    this.#byteLength = byteLength;
    this.#context = numbers.newContext();
    this.#form = numbers.newForm();
  }

  begin(): void {
    const context = requireMade(this.#context, 'BN_CTX_new');
    const form = requireMade(this.#form, 'BN_MONT_CTX_new');
    requireDone(this.#numbers.setForm(form, this.#modulus, context), 'BN_MONT_CTX_set');
  }

  read(bytes: Uint8Array): Address {
    const number = this.#make();
    requireMade(this.#numbers.read(bytes, bytes.length, number), 'BN_bin2bn');
    return number;
  }

  write(number: Address, to: Uint8Array): void {
    const written = this.#numbers.write(number, to, to.length);
    requireMade(written === to.length || null, 'BN_bn2binpad');
  }

  random(): Address {
    const number = this.#make();
    requireDone(this.#numbers.random(number, this.#modulus), 'BN_priv_rand_range');
    return number;
  }

  times(a: Address, b: Address): Address {
    const [context, form] = this.#parts;
    const product = this.#make();
    requireDone(this.#numbers.toForm(product, b, form, context), 'BN_to_montgomery');
    const done = this.#numbers.multiply(product, a, product, form, context);
    requireDone(done, 'BN_mod_mul_montgomery');
    return product;
  }

  /** The exponent is public. */
  raised(base: Address, exponent: Address): Address {
    const [context, form] = this.#parts;
    const power = this.#make();
    const done = this.#numbers.raise(power, base, exponent, this.#modulus, context, form);
    requireDone(done, 'BN_mod_exp_mont');
    return power;
  }

  /**
   * Undefined where there is none. Not for a secret: it becomes a bigint, which nobody can wipe, in a time that depends on
   * it. `BN_mod_inverse` takes three times as long.
   */
  inverse(number: Address): Address | undefined {
    const inverse = inverseModulo(this.#asBigint(number), this.#asBigint(this.#modulus));
    if (inverse === undefined) return undefined;
    const digits = inverse.toString(16).padStart(2 * this.#byteLength, '0');
    return this.read(Buffer.from(digits, 'hex'));
  }

  free(): void {
    for (const number of this.#made) this.#numbers.free(number);
    if (this.#form !== null) this.#numbers.freeForm(this.#form);
    if (this.#context !== null) this.#numbers.freeContext(this.#context);
  }

  #asBigint(number: Address): bigint {
    const bytes = Buffer.from(new ArrayBuffer(this.#byteLength));
    this.write(number, bytes);
    return BigInt(`0x${bytes.toString('hex')}`);
  }

  get #parts(): readonly [context: Address, form: Address] {
    return [this.#context as Address, this.#form as Address];
  }

  #make(): Address {
    const number = requireMade(this.#numbers.make(), 'BN_new');
    this.#made.push(number);
    return number;
  }
}

function requireDone(done: number, call: string): void {
  requireMade(done === 1 || null, call);
}
