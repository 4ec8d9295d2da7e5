/** Bits of the leading part that a step calculates with: as many as a number has exactly, less one. */
const LEADING_BITS = 52;

/** What a few steps of Euclid do to a pair: a and b become `xa`·a + `xb`·b and `ya`·a + `yb`·b. */
interface Steps {
  readonly xa: number;
  readonly xb: number;
  readonly ya: number;
  readonly yb: number;
}

/**
 * The inverse of a number modulo a greater one, or undefined where there is none. Takes a time that depends on both: for
 * numbers that are no secret.
 *
 * Euclid as Lehmer does it (Knuth, The Art of Computer Programming, 4.5.2, algorithm L): as long as the leading bits of the two
 * numbers decide the quotients, so many steps are done with them alone. `BN_mod_inverse` of OpenSSL goes bit by bit, and takes three times as long.
 */
export function inverseModulo(number: bigint, modulus: bigint): bigint | undefined {
  let [a, b] = [modulus, number];
  // a and b are so many times `number`, modulo `modulus`.
  let [s, t] = [0n, 1n];
  let length = 4 * modulus.toString(16).length;
  while (b !== 0n) {
    const shift = BigInt(Math.max(0, length - LEADING_BITS));
    const steps = stepsOf(Number(a >> shift), Number(b >> shift));
    if (steps === undefined) {
      const quotient = a / b;
      [a, b] = [b, a - quotient * b];
      [s, t] = [t, s - quotient * t];
    } else {
      const [xa, xb, ya, yb] = [steps.xa, steps.xb, steps.ya, steps.yb].map(BigInt) as Four;
      [a, b] = [xa * a + xb * b, ya * a + yb * b];
      [s, t] = [xa * s + xb * t, ya * s + yb * t];
    }
    length = Number(shift) + lengthOf(Number(a >> shift));
  }
  if (a !== 1n) return undefined;
  return s < 0n ? s + modulus : s;
}

type Four = [bigint, bigint, bigint, bigint];

/** The steps that the leading parts decide; undefined where they decide none. */
function stepsOf(leadingA: number, leadingB: number): Steps | undefined {
  let [x, y] = [leadingA, leadingB];
  let [xa, xb, ya, yb] = [1, 0, 0, 1];
  while (y + ya !== 0 && y + yb !== 0) {
    const quotient = Math.floor((x + xa) / (y + ya));
    if (quotient !== Math.floor((x + xb) / (y + yb))) break;
    [x, y] = [y, x - quotient * y];
    [xa, ya] = [ya, xa - quotient * ya];
    [xb, yb] = [yb, xb - quotient * yb];
  }
  return xb === 0 ? undefined : { xa, xb, ya, yb };
}

/** In bits, or one more. */
const lengthOf = (x: number): number => (x < 1 ? 0 : Math.floor(Math.log2(x)) + 1);
