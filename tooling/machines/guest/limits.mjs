import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { say } from './say.mjs';

/**
 * Each in a process of its own: few mappings, strict accounting of memory, a kernel without MADV_WIPEONFORK. What the doctor says of a machine that
 * is so is kept beside it.
 */
const TRIALS = /** @type {const} */ (['mappings', 'overcommit', 'wipe-on-fork', 'no-hidden']);

/** What the kernel will promise beyond what it has promised before; a Node that is starting takes some of it. */
const PROMISED_BYTE_LENGTH = 512 * 2 ** 20;

/** Settings of the kernel that a trial may change. */
const SETTINGS = ['vm/max_map_count', 'vm/overcommit_memory'].map((name) => `/proc/sys/${name}`);
const before = SETTINGS.map((file) => readFileSync(file, 'latin1'));
const committed = /Committed_AS:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'latin1'))?.[1];
writeFileSync(
  '/proc/sys/vm/overcommit_kbytes',
  String(Number(committed) + PROMISED_BYTE_LENGTH / 1024),
);

for (const trial of TRIALS) {
  for (const backend of ['koffi', 'napi']) {
    const program = new URL('./limits-child.mjs', import.meta.url).pathname;
    if (trial === 'overcommit') writeFileSync('/proc/sys/vm/overcommit_memory', '2');
    const args = [program, trial, backend, String(PROMISED_BYTE_LENGTH)];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
    });
    for (const [index, file] of SETTINGS.entries()) writeFileSync(file, String(before[index]));
    const answer =
      status === 0 ? JSON.parse(stdout) : { died: signal ?? status, stderr: stderr.slice(-400) };
    say({ [`${trial} ${backend}`]: answer });
  }
}
