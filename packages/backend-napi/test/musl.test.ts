import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'securemem-musl-'));
const addon = path(`prebuilds/linux-${process.arch}/securemem.node`);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the Linux binary', () => {
  it('asks for no library and for no versioned symbol', (ctx) => {
    if (!existsSync(addon)) ctx.skip('not proven: there is no binary for this machine');
    const { stdout, error } = spawnSync('readelf', ['-dW', '--dyn-syms', addon], {
      encoding: 'utf8',
    });
    if (error !== undefined) ctx.skip('not proven: readelf is not installed');
    expect(stdout).toContain('napi_register_module_v1');
    expect(stdout).not.toContain('(NEEDED)');
    expect(stdout).not.toMatch(/@GLIBC/);
  });

  it('loads in a program that is linked against musl', (ctx) => {
    if (spawnSync('musl-gcc', ['--version']).error !== undefined) {
      ctx.skip('not proven: musl-gcc is not installed (Debian: musl-tools)');
    }
    if (!existsSync(addon)) ctx.skip('not proven: there is no binary for this machine');
    const { stdout } = spawnSync('readelf', ['-W', '--dyn-syms', addon], { encoding: 'utf8' });
    const wanted = [...stdout.matchAll(/UND (n[a-z]*api_\w+)/g)].map(([, name]) => `STUB(${name})`);
    expect(wanted.length).toBeGreaterThan(20);
    writeFileSync(join(folder, 'musl_stubs.h'), `${wanted.join('\n')}\n`);
    const host = join(folder, 'host');
    const source = path('test/native/musl_host.c');
    const built = spawnSync('musl-gcc', ['-rdynamic', '-I', folder, source, '-o', host], {
      encoding: 'utf8',
    });
    expect(built.stderr).toBe('');
    const ran = spawnSync(host, [addon], { encoding: 'utf8' });
    expect(ran.stdout).toBe('loaded, Node-API 8\n');
    expect(ran.status).toBe(0);
  });
});
