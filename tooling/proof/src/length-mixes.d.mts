/** A number from 0 to 1. */
export type Random = () => number;

/** Lengths of secrets as programs keep them, in bytes. */
export interface Mix {
  readonly name: string;
  lengthOf(random: Random): number;
}

/** The same sequence for the same seed. */
export function randomOf(seed: number): Random;

/** A whole number, both ends included. */
export function between(random: Random, low: number, high: number): number;

export const mixes: readonly Mix[];
