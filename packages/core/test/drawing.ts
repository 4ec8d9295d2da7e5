import { readFileSync } from 'node:fs';
import type { Fixture } from './fixture.js';

/** Every edge that a drawing of docs/ARCHITECTURE.md has, as `from: event: to`. */
export function drawing(heading: string): string[] {
  const url = new URL('../../../docs/ARCHITECTURE.md', import.meta.url);
  const section = readFileSync(url, 'utf8').split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const diagram = section.match(/```mermaid\n([^`]+)```/)?.[1] ?? '';
  return [...diagram.matchAll(/^ +(\S+) --> (\S+): (.+)$/gm)]
    .map(([, from, to, event]) => `${from}: ${event}: ${to}`)
    .sort();
}

/** Asks for more than there can be, upon which core looks for what became free. */
export function sweep({ memory }: Fixture): number {
  try {
    memory.allocateSync(2 ** 20);
  } catch {
    // It was too much, as it had to be.
  }
  return memory.stats().quarantine.slots;
}
