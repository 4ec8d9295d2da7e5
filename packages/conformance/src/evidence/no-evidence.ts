import { type Evidence, NotProven } from './evidence.js';

/**
 * For a system that the suite cannot question. Whatever needs evidence is reported as not proven; what a backend shows by
 * its own answers is still tested.
 */
export function noEvidence(reason: string): Evidence {
  const refuse = (): Promise<never> => Promise.reject(new NotProven(reason));
  return {
    name: `none (${reason})`,
    begin: () => Promise.resolve(),
    counts: refuse,
    locate: refuse,
    facts: refuse,
    content: refuse,
    copies: refuse,
    isInside: refuse,
    touch: refuse,
    coreHolds: refuse,
    forkedView: refuse,
    tamper: refuse,
    opening: refuse,
    terminateThread: refuse,
    takeVariable: refuse,
    task: refuse,
    close: () => Promise.resolve(),
  };
}
