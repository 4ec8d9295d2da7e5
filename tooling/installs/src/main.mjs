import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { tableFile } from './cells.mjs';

/** Runs the whole matrix of installs through the runner of all tests, and prints one table. Exits as the tests do. */
rmSync(tableFile, { force: true });
const proof = join(root, 'tooling', 'proof', 'src', 'main.mjs');
const { status } = spawnSync(process.execPath, [proof, '--full', '--project', 'installs'], {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
});
if (existsSync(tableFile)) process.stdout.write(`\n${readFileSync(tableFile, 'utf8')}\n`);
process.exitCode = status ?? 1;
