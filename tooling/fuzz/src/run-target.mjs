import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nextInput } from './mutate.mjs';
import { Random } from './random.mjs';

/**
 * The process of one target: run-target.mjs TARGET SECONDS SEED FOLDER [REPLAY]. Each input lies in FOLDER/current while it runs, so that
 * it is there when the process dies of it. Its parent hears a TargetReport once a second, and at the end.
 */
const [name, seconds, seed, folder, replay] = process.argv.slice(2);
const corpusFolder = join(import.meta.dirname, '../corpus', String(name));
const current = join(String(folder), 'current');
const keptMax = 4096;
const reportMs = 1000;

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
  await tell(finding === undefined ? {} : { finding });
} catch (error) {
  await tell({ notProven: String(error) });
}
process.exit(0);

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
  let tellAt = 0;
  for (let now = Date.now(); now < until; now = Date.now()) {
    const known = features.size;
    const bytes = nextInput(random, corpus, definition);
    const finding = await runOnce(target, bytes);
    if (finding !== undefined) return finding;
    if (features.size > known && corpus.length < keptMax) corpus.push(bytes);
    if (now < tellAt) continue;
    tellAt = now + reportMs;
    await tell();
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

/** Comes back when it is sent. @param {import('./target.mjs').TargetEnd} [end] @returns {Promise<void>} */
function tell(end) {
  const report = { runs, kept: corpus.length, features: features.size, ...(end && { end }) };
  return new Promise((done) => {
    if (process.send === undefined) throw new Error('run-target.mjs is started by main.mjs');
    process.send(report, () => done());
  });
}
