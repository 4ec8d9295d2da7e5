import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hitsIn } from '../guest/core-hits.mjs';
import { countIn } from '../guest/count.mjs';
import { OWNERS, putMark } from '../guest/marks.mjs';
import { needles } from '../guest/needles.mjs';
import { Factory, kernelOf, missingHere } from '../src/index.mjs';
import { swap } from '../src/scenarios/swap.mjs';

const MINUTES_MAX = 15;

function fileOf(bytes: Uint8Array): string {
  const file = join(tmpdir(), `securemem-machines-${process.pid}-${bytes.byteLength}`);
  writeFileSync(file, bytes);
  return file;
}

describe('the search of a disk', () => {
  it('finds each mark of each owner, also where two pieces that are read meet, and no other', () => {
    const piece = 4 * 1024 * 1024;
    const bytes = new Uint8Array(piece * 2 + 100);
    for (const at of [0, piece - 16, piece + 17, bytes.byteLength - 32]) {
      putMark(bytes.subarray(at), 'koffi');
    }
    putMark(bytes.subarray(piece - 100), 'buffer');
    const counts = countIn(fileOf(bytes), needles(OWNERS));
    expect(counts).toMatchObject({ koffi: 4, buffer: 1, napi: 0, 'napi-hidden': 0, sealed: 0 });
  });

  it('names what a core file has by the mapping or by the registers', () => {
    const bytes = Buffer.alloc(1_024);
    bytes.writeBigUInt64LE(64n, 32);
    bytes.writeUInt16LE(56, 54);
    bytes.writeUInt16LE(2, 56);
    const segments = [
      { type: 1, from: 512, address: 0x7000, length: 256 },
      { type: 4, from: 256, address: 0, length: 128 },
    ];
    for (const [index, { type, from, address, length }] of segments.entries()) {
      const at = 64 + index * 56;
      bytes.writeUInt32LE(type, at);
      bytes.writeBigUInt64LE(BigInt(from), at + 8);
      bytes.writeBigUInt64LE(BigInt(address), at + 16);
      bytes.writeBigUInt64LE(BigInt(length), at + 32);
    }
    for (const at of [300, 600, 900]) putMark(bytes.subarray(at), 'koffi');
    const mappings = '7000-7100 rw-p 00000000 00:00 0 [stack]';
    expect(hitsIn(fileOf(bytes), needles(['koffi']), mappings)).toEqual([
      'registers',
      '[stack]',
      'unknown',
    ]);
  });
});

describe('a machine of its own', () => {
  it('V1 whose memory is exhausted has ordinary buffers on its swap device, and nothing that was locked or sealed', {
    timeout: MINUTES_MAX * 60_000,
  }, async (context) => {
    const kernel = kernelOf('6.1');
    const missing = missingHere(kernel);
    if (missing !== undefined) context.skip(`not proven: ${missing}`);
    const bench = new Factory().on(kernel);
    try {
      bench.prepare();
    } catch (error) {
      const [reason] = String(error).split('\n');
      context.skip(`not proven: what the machine boots from cannot be fetched: ${reason}`);
    }
    const { holds, facts } = await swap.run(bench);
    expect(facts.found).toMatchObject({ koffi: 0, napi: 0, 'napi-hidden': 0, sealed: 0 });
    expect(facts.found['buffer']).toBeGreaterThan(0);
    expect(holds).toBe(true);
  });
});
