import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilersOnPath } from '../src/machine.mjs';
import { runProgram } from '../src/program.mjs';
import { type Place, STEP_MS_MAX } from './place.js';

/** Without these nobody would know whether the machine of the other tests is as poor as it is said to be. */
export function describeBlockedScripts(place: () => Place): void {
  describe('the machine of these tests', () => {
    it('has no compiler, and one that was there would be found', () => {
      expect(compilersOnPath(place().env)).toEqual([]);
      const folder = place().folder('compiler');
      writeFileSync(join(folder, 'g++'), '');
      const path = `${place().env['PATH']}${delimiter}${folder}`;
      expect(compilersOnPath({ PATH: path })).toEqual(['g++']);
    });

    it('runs no install script, which npm would run', { timeout: STEP_MS_MAX }, async () => {
      const { env } = place();
      const cwd = place().folder('scripts');
      const script = "node -e \"require('fs').writeFileSync('ran', '')\"";
      const manifest = { name: 'scripted', version: '1.0.0', scripts: { postinstall: script } };
      writeFileSync(join(cwd, 'package.json'), JSON.stringify(manifest));
      const ran = () => existsSync(join(cwd, 'ran'));

      await runProgram('npm', ['install'], { cwd, env });
      expect(ran()).toBe(false);
      const allowed = { ...env, npm_config_ignore_scripts: 'false' };
      await runProgram('npm', ['install'], { cwd, env: allowed });
      expect(ran()).toBe(true);
    });
  });
}
