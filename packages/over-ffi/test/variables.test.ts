import { describe, expect, it } from 'vitest';
import type { Address } from '../src/address.js';
import { isMapped, startBlockIn } from '../src/start-block.js';
import { type VariableCalls, Variables } from '../src/variables.js';

const BASE = 0x10000n;
const TARGET = 0x20000n as Address;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Memory of a process: a block of texts that it was started with, texts of the heap, the list of both, and a target. */
class FakeProcess implements VariableCalls {
  readonly #memory = new Uint8Array(0x20000);
  readonly block: { readonly address: Address; readonly byteLength: number };
  readonly unset: string[] = [];
  #list: bigint;
  #next = 0;

  constructor(started: readonly string[], listed = started) {
    const at = new Map(started.map((text) => [text, this.#put(`${text}\0`)]));
    this.block = { address: BASE as Address, byteLength: this.#next };
    this.#put('/usr/bin/node\0');
    const pointers = listed.map((text) => at.get(text) ?? this.#put(`${text}\0`));
    this.#next = Math.ceil(this.#next / 8) * 8;
    this.#list = BASE + BigInt(this.#next);
    for (const pointer of [...pointers, 0n]) {
      new DataView(this.#memory.buffer).setBigUint64(this.#next, pointer, true);
      this.#next += 8;
    }
    this.#head = BASE + BigInt(this.#next);
    new DataView(this.#memory.buffer).setBigUint64(this.#next, this.#list, true);
  }

  readonly #head: bigint;

  environ(): Address {
    return this.#head as Address;
  }
  strncmp(at: Address, text: Uint8Array, byteLength: number): number {
    const end = this.#indexOf(at) + Math.min(byteLength, this.strlen(at));
    return Buffer.compare(
      this.#memory.subarray(this.#indexOf(at), end),
      text.subarray(0, byteLength),
    );
  }
  strlen(at: Address): number {
    return this.#memory.indexOf(0, this.#indexOf(at)) - this.#indexOf(at);
  }
  memmem(at: Address, byteLength: number, text: Uint8Array): Address | null {
    const from = this.#indexOf(at);
    const found = Buffer.from(this.#memory.buffer, from, byteLength).indexOf(text);
    return found === -1 ? null : ((at + BigInt(found)) as Address);
  }
  memmove(to: Address | Uint8Array, from: Address | Uint8Array, byteLength: number): void {
    const source = from instanceof Uint8Array ? from : this.#part(from, byteLength);
    if (to instanceof Uint8Array) to.set(source.subarray(0, byteLength));
    else this.#part(to, byteLength).set(source);
  }
  memset(at: Address, byte: number, byteLength: number): void {
    this.#part(at, byteLength).fill(byte);
  }
  unsetenv(name: string): number {
    this.unset.push(name);
    return 0;
  }

  target(byteLength: number): string {
    return Buffer.from(this.#part(TARGET, byteLength)).toString();
  }
  /** All texts that are left, without zero bytes. */
  left(): string {
    return Buffer.from(this.#memory.subarray(0, this.#next)).toString('latin1');
  }

  #part(at: Address, byteLength: number): Uint8Array {
    return this.#memory.subarray(this.#indexOf(at), this.#indexOf(at) + byteLength);
  }
  #indexOf(at: Address): number {
    return Number(at - BASE);
  }
  #put(text: string): bigint {
    const at = BASE + BigInt(this.#next);
    this.#memory.set(bytes(text), this.#next);
    this.#next += text.length;
    return at;
  }
}

const over = (system: FakeProcess, known = true): Variables =>
  new Variables(
    () => system,
    () => (known ? system.block : undefined),
  );

describe('the variables of a process', () => {
  it('the first of a name counts, as for getenv, and its length is in bytes', () => {
    const variables = over(new FakeProcess(['A=1', 'KEY=first', 'KEY=the second', 'B=']));
    expect(variables.byteLengthOf(bytes('KEY'))).toBe(5);
    expect(variables.byteLengthOf(bytes('B'))).toBe(0);
    for (const name of ['C', 'KE', 'EY', 'KEYS', 'KEY=first']) {
      expect(variables.byteLengthOf(bytes(name))).toBeUndefined();
    }
    expect(over(new FakeProcess([])).byteLengthOf(bytes('KEY'))).toBeUndefined();
  });

  it('a variable that is taken is overwritten wherever it stands, and no other is', () => {
    const started = ['KEY=first', 'MY_KEY=other', 'X=KEY=inside', 'KEY=the second'];
    const system = new FakeProcess(started, ['KEY=set again', ...started.slice(1)]);
    const taken = over(system).take(bytes('KEY'), TARGET, 9);
    expect(taken).toEqual({ places: 3, startBlock: 'searched' });
    expect(system.target(9)).toBe('set again');
    for (const gone of ['first', 'second', 'again']) expect(system.left()).not.toContain(gone);
    for (const kept of ['MY_KEY=other', 'X=KEY=inside']) expect(system.left()).toContain(kept);
    expect(system.unset).toEqual(['KEY']);
  });

  it('where nobody knows the first block, what the list leads to is overwritten, and that is said', () => {
    const system = new FakeProcess(['KEY=first', 'KEY=second'], ['KEY=set again', 'KEY=second']);
    const taken = over(system, false).take(bytes('KEY'), TARGET, 9);
    expect(taken).toEqual({ places: 2, startBlock: 'unknown' });
    expect(system.left()).toContain('first');
  });

  it('a variable of another length is refused, and nothing has changed', () => {
    const system = new FakeProcess(['KEY=first']);
    const before = system.left();
    for (const [name, byteLength] of [
      ['KEY', 4],
      ['KEY', 6],
      ['NONE', 0],
    ] as const) {
      expect(() => over(system).take(bytes(name), TARGET, byteLength)).toThrow(RangeError);
    }
    expect([system.left(), system.unset, system.target(6)]).toEqual([before, [], '\0'.repeat(6)]);
  });
});

describe('the block that a process was started with', () => {
  const stat = (start: bigint, end: bigint): string =>
    `7 (a ) (b) S ${Array.from({ length: 46 }, (_, i) => i).join(' ')} ${start} ${end} 0\n`;

  it('is read from a line of stat, whatever the program calls itself', () => {
    expect(startBlockIn(stat(4096n, 8192n))).toEqual({ address: 4096n, byteLength: 4096 });
    for (const text of ['', '7 (a) S 1 2', stat(0n, 0n), stat(8192n, 4096n)]) {
      expect(startBlockIn(text)).toBeUndefined();
    }
  });

  it('is only looked at where it lies whole in one mapping that may be written', () => {
    const lines = ['1000-3000 r--p 0 0:0 0', '5000-9000 rw-p 0 0:0 0 [stack]'];
    const block = (address: bigint, byteLength: number): boolean =>
      isMapped(lines, { address: address as Address, byteLength });
    expect(block(0x5000n, 0x4000)).toBe(true);
    expect([block(0x5000n, 0x4001), block(0x4fffn, 2), block(0x1000n, 16)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});
