import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cache } from '../src/cache.mjs';
import { missingProgram, wineEnvironment } from '../src/run-suite.mjs';
import { RUNTIMES } from '../src/runtimes.mjs';

const windows = RUNTIMES.find(({ target }) => target === 'win32-x64');
if (windows === undefined) throw new Error('no runtime for Windows');
const program = join(cache, 'programs', windows.spec.replaceAll(/[@/]/g, '_'), windows.program);
const project = join(cache, 'projects', windows.target);

/** Maps until the system refuses, and tries what Windows cannot keep a lock through. */
const SCRIPT = `
import { writeFileSync } from 'node:fs';
import { open } from './open-BACKEND.mjs';
const backend = open();
const regions = [];
let refusal;
while (refusal === undefined && regions.length < 10_000) {
  try { regions.push(backend.map(65_536)); } catch (error) { refusal = error; }
}
let closed = 'done';
try { backend.protect(regions[0], 'no-access'); } catch (error) { closed = error.code; }
backend.unmap(regions.pop());
const again = backend.map(65_536) > 0;
writeFileSync('wine-BACKEND.json', JSON.stringify({
  mapped: regions.length, code: refusal?.code, errno: refusal?.errno, closed, again,
  protection: backend.capabilities.protection }));
process.exit(0);
`;

describe('Windows, as Wine shows it', () => {
  it.for(['napi', 'koffi'])(
    'A11 %s offers read-only at most, and X2 calls the refusal of VirtualLock a lock limit',
    { timeout: 90_000 },
    (backend, ctx) => {
      const missing = missingProgram(windows);
      if (missing !== undefined) return ctx.skip(`not proven: ${missing} is not installed`);
      if (!existsSync(program) || !existsSync(join(project, `open-${backend}.mjs`))) {
        return ctx.skip('not proven: npm run test:runtimes has not fetched Node for Windows');
      }
      if (process.getuid?.() !== 0) return ctx.skip('not proven: dropping CAP_IPC_LOCK needs root');
      const output = join(project, `wine-${backend}.json`);
      rmSync(output, { force: true });
      const file = join(project, `wine-${backend}.mjs`);
      writeFileSync(file, SCRIPT.replaceAll('BACKEND', backend));
      const confined = ['--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock'];
      const line = ['--memlock=8388608:8388608', 'setpriv', ...confined, 'wine', program, file];
      const ended = spawnSync('prlimit', line, {
        cwd: project,
        stdio: 'ignore',
        env: { ...process.env, ...wineEnvironment },
        timeout: 60_000,
      });
      expect(ended.status).toBe(0);
      const seen = JSON.parse(readFileSync(output, 'utf8'));
      if (seen.code === undefined) return ctx.skip('not proven: nothing limited this process');
      expect(seen).toMatchObject({
        code: 'ERR_SECMEM_LOCK_LIMIT',
        errno: 5,
        closed: 'ERR_SECMEM_NOT_SUPPORTED',
        protection: 'read-only',
        again: true,
      });
    },
  );
});
