import { zero } from '@securemem/core/contract';
import type { Address } from './address.js';
import type { CType, Ffi } from './ffi.js';
import { bindNumbers, type Numbers, Residues } from './openssl-residues.js';
import type { Place } from './system.js';

/** What is called of OpenSSL for the key. */
interface Rsa {
  modulus(key: Address): Address;
  exponent(key: Address): Address;
  blindNoMore(key: Address): void;
  privately(byteLength: number, from: Place, to: Place, key: Address, padding: number): number;
}

const NO_PADDING = 3;

function bindRsa(ffi: Ffi): Rsa {
  const runtime = ffi.library(null);
  const call = <F>(name: string, result: CType, ...parameters: CType[]) =>
    runtime.func<F>(name, result, parameters);
  const p = 'pointer';
  return {
    modulus: call('RSA_get0_n', p, p),
    exponent: call('RSA_get0_e', p, p),
    blindNoMore: call('RSA_blinding_off', 'void', p),
    privately: call('RSA_private_encrypt', 'int', 'int', p, p, p, 'int'),
  };
}

/**
 * The private operation of RSA on a number that whoever measures time does not know: (m rᵉ)ᵈ / r for a random r that is used
 * this once.
 *
 * OpenSSL blinds in the same way, and for a key that is kept it squares the factor from call to call. For a new key it has to
 * invert one, without branches, since the factor is secret. Here it is inverted under a mask: 1/r = s / (r s) for a second
 * random s. The product is a random number that tells nothing of r, so its inversion may take whatever time it takes.
 */
export class RsaBlinding {
  readonly #numbers: Numbers;
  readonly #rsa: Rsa;

  /** Throws where a function is missing. */
  constructor(ffi: Ffi) {
    this.#numbers = bindNumbers(ffi);
    this.#rsa = bindRsa(ffi);
  }

  /**
   * Signs what is padded, as long as the modulus and less than it. What is given out was raised to the public exponent, and
   * gave `padded` again. False for a key whose numbers do not belong together; `target` is as it was then.
   */
  sign(key: Address, padded: Uint8Array, target: Uint8Array): boolean {
    const exponent = this.#rsa.exponent(key);
    const modulus = this.#rsa.modulus(key);
    if (this.#numbers.isOdd(modulus) !== 1) return false;
    const residues = new Residues(this.#numbers, modulus, padded.length);
    const bytes = new Uint8Array(new ArrayBuffer(padded.length));
    try {
      residues.begin();
      const factor = residues.random();
      const inverse = invertMasked(residues, factor);
      if (inverse === undefined) return false;
      const message = residues.read(padded);
      residues.write(residues.times(message, residues.raised(factor, exponent)), bytes);
      // The number is blinded already.
      this.#rsa.blindNoMore(key);
      const { length } = bytes;
      if (this.#rsa.privately(length, bytes, bytes, key, NO_PADDING) !== length) return false;
      const signature = residues.times(residues.read(bytes), inverse);
      const again = residues.raised(signature, exponent);
      if (this.#numbers.compare(again, message) !== 0) return false;
      residues.write(signature, bytes);
      target.set(bytes);
      return true;
    } finally {
      residues.free();
      zero(bytes);
    }
  }
}

function invertMasked(residues: Residues, number: Address): Address | undefined {
  const mask = residues.random();
  const inverse = residues.inverse(residues.times(number, mask));
  return inverse === undefined ? undefined : residues.times(inverse, mask);
}
