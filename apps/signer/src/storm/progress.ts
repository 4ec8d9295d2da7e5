import type { StormProgress } from './storm.js';

/** One line that rewrites itself, on a terminal only: a log of it would be noise. */
export function terminalProgress(label: string, stream: NodeJS.WriteStream): StormProgress {
  if (!stream.isTTY) return () => {};
  return (stage, done, requests) => {
    const what = stage === 'sign' ? 'signing' : 'verifying';
    stream.write(`\r\x1b[K${label}: ${what} ${done} of ${requests}`);
  };
}

/** Takes the line away again. */
export function clearProgress(stream: NodeJS.WriteStream): void {
  if (stream.isTTY) stream.write('\r\x1b[K');
}
