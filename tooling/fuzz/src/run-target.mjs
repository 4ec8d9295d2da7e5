import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nextInput } from './mutate.mjs';
import { Random } from './random.mjs';

/**
 * The process of one target: run-target.mjs TARGET SECONDS SEED FOLDER [REPLAY]. Each input lies in FOLDER/current while it runs, so that
 * it is there when the process dies of it. The last line of the output is a TargetReport.
 */
const [name, seconds, seed, folder, replay] = process.argv.slice(2);
const corpusFolder = join(import.meta.dirname, '../corpus', String(name));
const current = join(String(folder), 'current');
const keptMax = 4096;

/** @type {{ default: import('./target.mjs').TargetDefinition }} */
const { default: definition } = await import(`./targets/${name}.mjs`);
/** @type {Set<string>} */
const features = new Set();
/** @type {Uint8Array[]} */
let corpus = [];
let runs = 0;

try {
  const target = await definition.open();
  const finding = await (replay === undefined
    ? fuzz(target)
    : runOnce(target, readFileSync(replay)));
  end(finding === undefined ? {} : { finding });
} catch (error) {
  end({ notProven: String(error) });
}

/** What was found first, if anything. @param {import('./target.mjs').Target} target */
async function fuzz(target) {
  corpus = readdirSync(corpusFolder)
    .toSorted()
    .map((file) => new Uint8Array(readFileSync(join(corpusFolder, file))));
  for (const bytes of [...corpus]) {
    const finding = await runOnce(target, bytes);
    if (finding !== undefined) return finding;
  }
  const random = new Random(Number(seed));
  const until = Date.now() + Number(seconds) * 1000;
  while (Date.now() < until) {
    const known = features.size;
    const bytes = nextInput(random, corpus, definition.byteLengthMax);
    const finding = await runOnce(target, bytes);
    if (finding !== undefined) return finding;
    if (features.size > known && corpus.length < keptMax) corpus.push(bytes);
  }
  return undefined;
}

/** @param {import('./target.mjs').Target} target @param {Uint8Array} bytes @returns {Promise<string | undefined>} */
async function runOnce(target, bytes) {
  writeFileSync(current, bytes);
  runs += 1;
  try {
    for (const feature of await target.run(bytes)) features.add(feature);
  } catch (error) {
    return error instanceof Error ? String(error.stack) : String(error);
  }
  return undefined;
}

/** @param {Partial<import('./target.mjs').TargetReport>} more */
function end(more) {
  const report = { runs, kept: corpus.length, features: features.size, ...more };
  process.stdout.write(`\n${JSON.stringify(report)}\n`, () =>
    process.exit(more.finding === undefined ? 0 : 1),
  );
}
