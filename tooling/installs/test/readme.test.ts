import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { asCommonJs, firstSteps, withBackend } from '../src/readme.mjs';
import { renderTable } from '../src/table.mjs';

describe('the first steps of the README', () => {
  it('are an install, a program and how to start it', () => {
    const { install, file, program, commands } = firstSteps();
    expect(install).toBe('npm install @securemem/core @securemem/koffi');
    expect(commands).toEqual([`node ${file}`, 'npx securemem doctor']);
    expect(program).toContain(`from '@securemem/core'`);
  });

  it('name no other backend once it was changed', () => {
    const { install, program } = withBackend(firstSteps(), 'napi');
    expect(install).toBe('npm install @securemem/core @securemem/napi');
    expect(program).toContain(`import { napiBackend } from '@securemem/napi';`);
    expect(program).not.toContain('koffi');
  });

  it('become CommonJS that runs', () => {
    const program = `import { sep } from 'node:path';\nawait null;\nconsole.log(sep);\n`;
    const args = ['--input-type=commonjs', '-e', asCommonJs(program)];
    expect(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout).toMatch(/^[/\\]\n$/);
    expect(() => asCommonJs(`import path from 'node:path';\n`)).toThrow('was not understood');
  });
});

describe('the table', () => {
  it('puts what was tried in one place into one cell, failures apart', () => {
    const at = { where: 'Node', how: 'npm' };
    const lines = renderTable([
      { ...at, what: 'esm', outcome: 'ok' },
      { ...at, what: 'cjs', outcome: 'FAILED' },
      { where: 'Bun', how: 'pnpm', what: 'esm', outcome: 'ok' },
    ]).split('\n');
    expect(lines).toEqual([
      '      npm                 pnpm',
      'Node  esm ok, cjs FAILED',
      'Bun                       esm ok',
    ]);
  });
});
