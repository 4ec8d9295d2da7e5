import { zero } from '../../contract/zero.js';
import { lengthOf, type Span } from './found-key.js';

/**
 * Arithmetic with numbers that lie big-endian in a working place, and with nothing of them outside but the byte at hand: a
 * `bigint` is a new object for each step, and none of them can be wiped. Time and memory access depend on the lengths alone.
 *
 * A remainder has one byte more than its modulus, so that it can be doubled before it is reduced.
 */

/** 1 where `a < b`, else 0; they may differ in length. */
export function isLess(bytes: Uint8Array, a: Span, b: Span): 0 | 1 {
  let borrow = 0;
  const length = Math.max(lengthOf(a), lengthOf(b));
  for (let i = 1; i <= length; i++) {
    borrow = ((digit(bytes, a, i) - digit(bytes, b, i) - borrow) >> 8) & 1;
  }
  return borrow as 0 | 1;
}

/** Whether `a` and `b` are the same number; they may differ in length. */
export function isEqual(bytes: Uint8Array, a: Span, b: Span): boolean {
  let different = 0;
  const length = Math.max(lengthOf(a), lengthOf(b));
  for (let i = 1; i <= length; i++) different |= digit(bytes, a, i) ^ digit(bytes, b, i);
  return different === 0;
}

export function isOne(bytes: Uint8Array, a: Span): boolean {
  let different = digit(bytes, a, 1) ^ 1;
  for (let i = 2; i <= lengthOf(a); i++) different |= digit(bytes, a, i);
  return different === 0;
}

/** Whether `p * q` is `n`: column by column, each compared as soon as it is known, so that the product lies nowhere. */
export function isProduct(bytes: Uint8Array, p: Span, q: Span, n: Span): boolean {
  const columns = Math.max(lengthOf(p) + lengthOf(q), lengthOf(n));
  let different = 0;
  let carry = 0;
  for (let column = 0; column < columns; column++) {
    const first = Math.max(0, column - lengthOf(q) + 1);
    const last = Math.min(column, lengthOf(p) - 1);
    for (let i = first; i <= last; i++) {
      carry += (bytes[p.end - 1 - i] as number) * (bytes[q.end - 1 - column + i] as number);
    }
    different |= (carry & 0xff) ^ digit(bytes, n, column + 1);
    carry = Math.floor(carry / 256);
  }
  return different === 0 && carry === 0;
}

/** `remainder` becomes `a` modulo `modulus`. */
export function reduce(bytes: Uint8Array, a: Span, modulus: Span, remainder: Span): void {
  zero(bytes, remainder.start, remainder.end);
  for (let at = a.start; at < a.end; at++) {
    for (let bit = 7; bit >= 0; bit--) {
      const borrow = double(bytes, remainder, modulus, ((bytes[at] as number) >> bit) & 1);
      subtract(bytes, remainder, modulus, borrow - 1);
    }
  }
}

/** `remainder` becomes `a * b` modulo `modulus`; `a` is below the modulus. */
export function multiply(
  bytes: Uint8Array,
  a: Span,
  b: Span,
  modulus: Span,
  remainder: Span,
): void {
  zero(bytes, remainder.start, remainder.end);
  for (let at = b.start; at < b.end; at++) {
    for (let bit = 7; bit >= 0; bit--) {
      const doubled = double(bytes, remainder, modulus, 0);
      subtract(bytes, remainder, modulus, doubled - 1);
      add(bytes, remainder, a, -(((bytes[at] as number) >> bit) & 1));
      subtract(bytes, remainder, modulus, isLess(bytes, remainder, modulus) - 1);
    }
  }
}

/** The byte of value 256^(i - 1). */
function digit(bytes: Uint8Array, a: Span, i: number): number {
  const at = a.end - i;
  return at < a.start ? 0 : (bytes[at] as number);
}

/** Doubles `a` and puts `bit` behind it. 1 where it is below the modulus then, else 0: found on the way, since this is the most of the work. */
function double(bytes: Uint8Array, a: Span, modulus: Span, bit: number): number {
  let carry = bit;
  let borrow = 0;
  let of = modulus.end - 1;
  for (let at = a.end - 1; at >= a.start; at--, of--) {
    const value = ((bytes[at] as number) << 1) | carry;
    bytes[at] = value;
    carry = value >> 8;
    const other = of < modulus.start ? 0 : (bytes[of] as number);
    borrow = (((value & 0xff) - other - borrow) >> 8) & 1;
  }
  return borrow;
}

/** Adds `b` where `mask` is all ones, and nothing where it is 0. */
function add(bytes: Uint8Array, a: Span, b: Span, mask: number): void {
  let carry = 0;
  for (let i = 1; i <= lengthOf(a); i++) {
    const value = (bytes[a.end - i] as number) + (digit(bytes, b, i) & mask) + carry;
    bytes[a.end - i] = value;
    carry = value >> 8;
  }
}

/** Takes `b` away where `mask` is all ones, and nothing where it is 0. */
function subtract(bytes: Uint8Array, a: Span, b: Span, mask: number): void {
  let borrow = 0;
  let of = b.end - 1;
  for (let at = a.end - 1; at >= a.start; at--, of--) {
    const other = of < b.start ? 0 : (bytes[of] as number);
    const value = (bytes[at] as number) - (other & mask) - borrow;
    bytes[at] = value;
    borrow = (value >> 8) & 1;
  }
}
