import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hitsIn } from './core-hits.mjs';
import { countIn } from './count.mjs';
import { needles } from './needles.mjs';
import { say, tell } from './say.mjs';

/** Core files that the kernel writes: of a process that holds secrets, to a file and through a pipe, and of one that dies while it uses one. */
const OWNERS = /** @type {const} */ (['buffer', 'koffi', 'napi', 'napi-hidden', 'sealed']);
const CONSUMERS = ['hmac', 'hash', 'encrypt', 'Ed25519', 'ES256', 'seal'];
const ROUNDS = 3;
const PIPED = '/tmp/piped';

writeFileSync('/proc/sys/kernel/core_pattern', '/tmp/core.%p');
await crash(['hold'], 'itself');
say({ file: countIn(takeCore(), needles(OWNERS)) });
clear();

writeFileSync('/proc/sys/kernel/core_pattern', `|/bin/busybox dd of=${PIPED} bs=1048576`);
await crash(['hold'], 'itself');
say({ pipe: countIn(PIPED, needles(OWNERS)) });
clear();

writeFileSync('/proc/sys/kernel/core_pattern', '/tmp/core.%p');
for (const backend of ['koffi', 'napi']) {
  for (const consumer of CONSUMERS) {
    /** @type {Record<string, number>} */
    const hits = {};
    for (let round = 0; round < ROUNDS; round += 1) {
      const mappings = await crash([consumer, backend], 'SIGSEGV');
      for (const place of hitsIn(takeCore(), needles(['koffi']), mappings)) {
        hits[place] = (hits[place] ?? 0) + 1;
      }
      clear();
    }
    say({ [`${consumer} ${backend}`]: hits });
    tell(`${consumer} ${backend}: ${JSON.stringify(hits)}`);
  }
}

/**
 * What was mapped in a process that is dead now. @param {readonly string[]} args @param {'itself' | NodeJS.Signals} by
 * @returns {Promise<string>}
 */
async function crash(args, by) {
  const program = new URL('./core-child.mjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('latin1').on('data', (text) => {
    said += text;
    if (!said.endsWith('ready\n') || by === 'itself') return;
    // In the middle of whatever it does.
    setTimeout(() => child.kill(by), Math.random() * 200);
  });
  await new Promise((resolve) => child.once('close', resolve));
  if (!said.endsWith('ready\n'))
    throw new Error(`core-child.mjs ${args.join(' ')} died before it was ready`);
  return said;
}

function takeCore() {
  const name = readdirSync('/tmp').find((entry) => entry.startsWith('core.'));
  if (name === undefined) throw new Error('the kernel wrote no core file');
  return `/tmp/${name}`;
}

function clear() {
  for (const entry of readdirSync('/tmp')) if (entry.startsWith('core.')) rmSync(`/tmp/${entry}`);
  if (existsSync(PIPED)) rmSync(PIPED);
}
