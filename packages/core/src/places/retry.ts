/**
 * The kernel's limit is shared with other threads, copies and programs, whose releases are not told to us. While anybody
 * waits the queue is tried again at random intervals, in milliseconds; random, so that competitors do not keep step.
 */
const MS_MIN = 10;
const MS_MAX = 250;
/** The same while others want pages too: they give theirs back at once. */
const CONTENDED_MS_MIN = 2;
const CONTENDED_MS_MAX = 30;

export function retryMs(isContended: boolean): number {
  const [min, max] = isContended ? [CONTENDED_MS_MIN, CONTENDED_MS_MAX] : [MS_MIN, MS_MAX];
  return min + Math.random() * (max - min);
}
