import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keeperStream, tryHostEnd } from './fuzz/host-end.js';
import { hostStream, tryHello, tryKeeperEnd } from './fuzz/keeper-end.js';
import { Random } from './fuzz/random.js';
import { damage } from './fuzz/stream.js';

/** How long each end is tried; longer by SECUREMEM_FUZZ_SECONDS. */
const SECONDS = Number(process.env.SECUREMEM_FUZZ_SECONDS ?? 2);
const CORPUS = new URL('./fuzz/corpus/', import.meta.url);

/** Streams that found something once, by their end. Each is one line of hexadecimal digits. */
function corpus(end: string): Uint8Array[] {
  return readdirSync(new URL(end, CORPUS)).map((name) =>
    Buffer.from(readFileSync(new URL(`${end}/${name}`, CORPUS), 'utf8').trim(), 'hex'),
  );
}

/** Runs until the time is over; a finding is told with what runs it again. */
async function fuzz(attempt: (random: Random) => Promise<void>): Promise<number> {
  const first = Number(process.env.SECUREMEM_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const untilMs = performance.now() + 1_000 * SECONDS;
  let runs = 0;
  while (performance.now() < untilMs) {
    const seed = first + runs;
    await attempt(new Random(seed)).catch((cause) => {
      throw new Error(`SECUREMEM_FUZZ_SEED=${seed} finds it again`, { cause });
    });
    runs++;
  }
  return runs;
}

/** A new stream, or an old one damaged. */
function next(
  random: Random,
  seeds: readonly Uint8Array[],
  make: (random: Random) => Uint8Array,
): Uint8Array {
  return random.chance(0.9) ? make(random) : damage(random, random.pick(seeds));
}

const ends = {
  host: { make: keeperStream, attempt: tryHostEnd },
  keeper: { make: hostStream, attempt: tryKeeperEnd },
};

describe.each(Object.entries(ends))('the %s’s end of the channel', (name, { make, attempt }) => {
  const seeds = corpus(name);

  it.each(seeds.map((bytes, n) => [n, bytes] as const))(
    'does what the model says with what was found before (%i)',
    async (n, bytes) => {
      for (let seed = 0; seed < 5; seed++) await attempt(new Random(n * 5 + seed), bytes);
    },
  );

  it('SEC2 does what the model says, whatever the other end sends', {
    timeout: 2_000 * SECONDS + 60_000,
  }, async () => {
    const runs = await fuzz((random) => attempt(random, next(random, seeds, make)));
    console.log(`${runs} streams for the ${name}'s end in ${SECONDS} s`);
    expect(runs).toBeGreaterThan(0);
  });
});

it('SEC2 a greeting is taken or refused as the model says', { timeout: 60_000 }, () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  for (let n = 0; n < 2_000; n++) {
    try {
      tryHello(new Random(seed + n));
    } catch (error) {
      throw new Error(`seed ${seed + n}`, { cause: error });
    }
  }
});
