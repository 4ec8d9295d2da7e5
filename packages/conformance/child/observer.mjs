import { createInterface } from 'node:readline';
import {
  countsOf,
  detailedMappingsOf,
  factsOf,
  findMarker,
  hiddenMappingsOf,
  locateMarked,
  readMemory,
} from './memory.mjs';

/**
 * Another process that looks at its parent: one request per line on standard input, one answer per line on standard
 * output. It ends when the input ends, so it never outlives whoever asks.
 */
const pid = process.ppid;

/** What was true when somebody asked to remember it. @type {ReturnType<typeof detailedMappingsOf>} */
let remembered = [];

/** @type {Record<string, (request: any) => unknown>} */
const operations = {
  counts: () => countsOf(pid),
  remember: () => {
    remembered = detailedMappingsOf(pid);
  },
  rememberedFacts: ({ start, byteLength }) => factsOf(pid, start, byteLength, remembered),
  locate: ({ marker, byteLength }) => locateMarked(pid, marker, byteLength) ?? null,
  hidden: ({ byteLength }) => hiddenMappingsOf(pid, byteLength),
  facts: ({ start, byteLength }) => factsOf(pid, start, byteLength),
  content: ({ address, byteLength }) => {
    const bytes = readMemory(pid, address, byteLength);
    return bytes === undefined ? null : Buffer.from(bytes.buffer).toString('hex');
  },
  copies: ({ marker }) => findMarker(pid, marker).length,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, operation, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { id, result: operations[operation]?.(request) ?? null };
  } catch (error) {
    answer = { id, error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
