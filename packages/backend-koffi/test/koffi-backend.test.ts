import { spawnSync } from 'node:child_process';
import { isSecureMemoryError, type MemoryBackend, type RegionId } from '@securemem/core/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { koffiBackend } from '../src/index.js';
import { runChild } from './children.js';

/** Bytes that do not live on V8's moving heap. */
function bytes(...values: number[]): Uint8Array {
  const array = new Uint8Array(new ArrayBuffer(values.length));
  array.set(values);
  return array;
}

function codeOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return isSecureMemoryError(error) ? error.code : (error as Error).name;
  }
  return 'nothing thrown';
}

describe('koffiBackend()', () => {
  let backend: MemoryBackend;
  let region: RegionId;
  let page: number;

  beforeEach(() => {
    backend = koffiBackend();
    page = backend.pageByteLength;
    region = backend.map(page);
  });

  afterEach(() => {
    backend[Symbol.dispose]();
  });

  function readBack(byteOffset: number, byteLength: number): number[] {
    const target = new Uint8Array(new ArrayBuffer(byteLength));
    backend.read(region, byteOffset, target);
    return [...target];
  }

  const protectionNow = () => {
    const [facts] = backend.inspect([region]);
    return facts === undefined || facts === 'unknown' ? 'unknown' : facts.protection;
  };

  it.each(['no-access', 'read-only', 'read-write'] as const)(
    'X7 wipe(), read() and write() work under %s, and the kernel says that it is restored',
    (protection) => {
      backend.protect(region, protection);
      backend.write(region, 3, bytes(1, 2, 3, 4));
      backend.wipe(region, 4, 2);
      expect(readBack(2, 6)).toEqual([0, 1, 0, 0, 4, 0]);
      expect(protectionNow()).toBe(protection);
    },
  );

  it('protection is restored also when the copy in between throws', () => {
    backend.protect(region, 'no-access');
    expect(codeOf(() => backend.write(region, page - 1, bytes(1, 2)))).toBe('RangeError');
    expect(protectionNow()).toBe('no-access');
  });

  it('inspect() answers in the order asked, for regions of different protection', () => {
    const other = backend.map(2 * page);
    backend.protect(other, 'read-only');
    const protections = backend
      .inspect([other, region, other])
      .map((facts) => (facts === 'unknown' ? facts : facts.protection));
    expect(protections).toEqual(['read-only', 'read-write', 'read-only']);
  });

  it('lockedByteLength() counts what another instance locked, too', () => {
    const before = backend.lockedByteLength() as number;
    const other = koffiBackend();
    other.map(3 * page);
    expect(backend.lockedByteLength()).toBe(before + 3 * page);
    other[Symbol.dispose]();
    expect(backend.lockedByteLength()).toBe(before);
  });

  it('a region id is a number far from any address, and negative, foreign and recycled ids are refused', () => {
    const other = koffiBackend();
    const foreign = other.map(page);
    const stale = backend.map(page);
    backend.unmap(stale);
    backend.map(page);
    for (const id of [-1, -0, 0, 1, Number.NaN, 0.5, -region, foreign, stale] as RegionId[]) {
      expect(codeOf(() => backend.read(id, 0, bytes(0)))).toBe('ERR_SECMEM_DISPOSED');
      expect(codeOf(() => backend.protect(id, 'read-only'))).toBe('ERR_SECMEM_DISPOSED');
      expect(codeOf(() => backend.openView(id, 0, 1))).toBe('ERR_SECMEM_DISPOSED');
      expect(codeOf(() => backend.unmap(id))).toBe('ERR_SECMEM_DISPOSED');
    }
    expect(codeOf(() => backend.inspect([region, stale]))).toBe('ERR_SECMEM_DISPOSED');
    other[Symbol.dispose]();
  });

  it.each([
    [-1, 1],
    [0.5, 1],
    [0, 1.5],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
    [2 ** 53, 0],
    [4096, 1],
    [0, 4097],
    ['0', 1],
    [0, undefined],
  ] as unknown as [number, number][])('a range of %s and %s is a RangeError', (offset, length) => {
    expect(codeOf(() => backend.wipe(region, offset, length))).toBe('RangeError');
    expect(codeOf(() => backend.openView(region, offset, length))).toBe('RangeError');
  });

  it('an own length on a target does not make read() go beyond its buffer', () => {
    const target = bytes(5, 5, 5, 5);
    Object.defineProperties(target, { byteLength: { value: 64 }, length: { value: 64 } });
    backend.write(region, 0, bytes(1, 2, 3, 4, 6, 6, 6, 6));
    backend.read(region, 0, target);
    expect([...new Uint8Array(target.buffer)]).toEqual([1, 2, 3, 4]);
  });

  it('read() fills exactly a target in the middle of a larger buffer', () => {
    const whole = bytes(9, 9, 9, 9, 9);
    backend.write(region, 0, bytes(1, 2));
    backend.read(region, 0, new Uint8Array(whole.buffer, 2, 2));
    expect([...whole]).toEqual([9, 9, 1, 2, 9]);
  });

  it('options: an unknown one is a TypeError, views none gives copies only', () => {
    const open = koffiBackend as (options: unknown) => MemoryBackend;
    for (const options of [{ view: 'none' }, { views: 'some' }, null, 1]) {
      expect(codeOf(() => open(options))).toBe('TypeError');
      expect(codeOf(() => (koffiBackend.probe as (options: unknown) => unknown)(options))).toBe(
        'TypeError',
      );
    }
    const copying = koffiBackend({ views: 'none' });
    const copied = copying.map(page);
    expect(copying.capabilities.views).toBe('none');
    expect(codeOf(() => copying.openView(copied, 0, 8))).toBe('ERR_SECMEM_NOT_SUPPORTED');
    copying[Symbol.dispose]();
  });

  it('errors and ids hold no address', () => {
    const view = backend.openView(region, 0, 8);
    expect(Object.values(view)).toEqual([view.bytes]);
    expect(JSON.stringify(backend)).not.toMatch(/\d{12,}/);
    view.close();
  });
});

describe('koffiBackend()[Symbol.dispose]()', () => {
  it('unmaps what no view holds; wipes the rest and leaves it accessible', () => {
    const backend = koffiBackend();
    const free = backend.map(4096);
    const held = backend.map(4096);
    backend.write(free, 0, bytes(1));
    const view = backend.openView(held, 0, 4);
    view.bytes.fill(7);
    backend.protect(held, 'read-only');
    backend[Symbol.dispose]();
    backend[Symbol.dispose]();
    expect([...view.bytes]).toEqual([0, 0, 0, 0]);
    view.bytes[0] = 1;
    expect(view.close()).toBe('revoked');
    expect(codeOf(() => backend.lockLimit())).toBe('ERR_SECMEM_CLOSED');
    expect(codeOf(() => backend.inspect([]))).toBe('ERR_SECMEM_CLOSED');
    expect(codeOf(() => backend.unmap(free))).toBe('ERR_SECMEM_CLOSED');
  });

  it('gives back every locked byte and its descriptor', () => {
    const child = runChild(`
      const { readdirSync } = await import('node:fs');
      koffiBackend()[Symbol.dispose]();
      const descriptors = () => readdirSync('/proc/self/fd').length;
      const before = descriptors();
      for (let round = 0; round < 50; round += 1) {
        const backend = koffiBackend();
        backend.map(8192);
        backend.lockedByteLength();
        backend[Symbol.dispose]();
      }
      say({ descriptors: descriptors() - before, locked: status('VmLck') });
    `);
    expect(child.result).toEqual({ descriptors: 0, locked: 0 });
  });
});

describe('a closed region', () => {
  const open = `
    const backend = koffiBackend();
    const region = backend.map(4096);
    const view = backend.openView(region, 0, 4096);
  `;

  it('M7 protect(no-access) kills whoever touches a view that was left open', () => {
    const child = runChild(`${open} backend.protect(region, 'no-access'); say(view.bytes[0]);`);
    expect(child.signal).toBe('SIGSEGV');
  });

  it('M7 protect(read-only) kills a writer and lets a reader live', () => {
    const reader = runChild(`${open} backend.protect(region, 'read-only'); say(view.bytes[0]);`);
    expect(reader).toMatchObject({ signal: null, result: 0 });
    const writer = runChild(`${open} backend.protect(region, 'read-only'); view.bytes[0] = 1;`);
    expect(writer.signal).toBe('SIGSEGV');
  });

  it('M6 a touch one byte after or before the region kills; inside it does not', () => {
    const touch = (where: string) =>
      runChild(`
        const backend = koffiBackend();
        const real = koffi().view;
        let address;
        koffi().view = (at, length) => { address = at; return real(at, length); };
        backend.openView(backend.map(4096), 0, 4096);
        say(new Uint8Array(real(${where}, 1))[0]);
      `);
    expect(touch('address + 4095n')).toMatchObject({ signal: null, result: 0 });
    expect(touch('address + 4096n').signal).toBe('SIGSEGV');
    expect(touch('address - 1n').signal).toBe('SIGSEGV');
  });
});

describe('koffiBackend.probe()', () => {
  it('M12 importing the package loads no addon and locks nothing', () => {
    const child = runChild(
      `const before = status('VmLck');
       const loaded = process.report.getReport().sharedObjects.filter((name) => name.includes('koffi'));
       koffiBackend.probe();
       say({ before, loaded, after: status('VmLck') });`,
      { soft: 65_536, hard: 65_536 },
    );
    expect(child.result).toEqual({ before: 0, loaded: [], after: 0 });
  });

  it("names Node's permission model where it forbids addons, and the call throws the same", () => {
    const flag =
      Number(process.versions.node.split('.')[0]) < 22
        ? '--experimental-permission'
        : '--permission';
    const child = runChild(
      `say({ probed: koffiBackend.probe(), opened: attempt(koffiBackend) });`,
      null,
      [flag, '--allow-fs-read=*'],
    );
    expect(child.result).toMatchObject({
      probed: { available: false, reason: expect.stringContaining('--allow-addons') },
      opened: 'ERR_SECMEM_BACKEND_UNAVAILABLE',
    });
  });
});

describe('ranges and views that are not what they seem', () => {
  let backend: MemoryBackend;
  let page: number;

  beforeEach(() => {
    backend = koffiBackend();
    page = backend.pageByteLength;
  });

  afterEach(() => {
    backend[Symbol.dispose]();
  });

  const array = (length: number) => new Uint8Array(new ArrayBuffer(length));

  it('SEC5 seal() uses the range that it checked, whatever its getters say the second time', (ctx) => {
    if (backend.capabilities.cipher === 'none') return ctx.skip('not proven: no cipher here');
    const region = backend.map(page);
    backend.write(region, 200, array(32).fill(7));
    const key = { region, byteOffset: 0, byteLength: 32 };
    const honest = array(48);
    backend.seal(key, array(12), array(0), { region, byteOffset: 200, byteLength: 32 }, honest);
    // Inside the page the second time as well, so that the fault shows without touching what is not ours.
    const answers = [200, 0, 0, 0];
    const lying = {
      region,
      get byteOffset() {
        return answers.shift() ?? 0;
      },
      byteLength: 32,
    };
    const sealed = array(48);
    backend.seal(key, array(12), array(0), lying, sealed);
    expect(sealed).toEqual(honest);
    expect(answers).toHaveLength(3);
  });

  it('SEC5 seal() looks at its target after the last getter has run', (ctx) => {
    if (backend.capabilities.cipher === 'none') return ctx.skip('not proven: no cipher here');
    const region = backend.map(page);
    const target = array(48);
    const range = {
      region,
      byteOffset: 0,
      get byteLength() {
        if (target.length > 0)
          structuredClone(target.buffer, { transfer: [target.buffer as ArrayBuffer] });
        return 32;
      },
    };
    const key = { region, byteOffset: 0, byteLength: 32 };
    expect(codeOf(() => backend.seal(key, array(12), array(0), range, target))).toBe('TypeError');
  });

  it('SEC14 unmap() under an open view throws ERR_SECMEM_IN_USE, and works when it is closed', (ctx) => {
    if (backend.capabilities.views === 'none') return ctx.skip('not proven: no views here');
    const region = backend.map(page);
    backend.write(region, 0, bytes(1, 2, 3));
    const view = backend.openView(region, 0, 3);
    expect(codeOf(() => backend.unmap(region))).toBe('ERR_SECMEM_IN_USE');
    expect([...view.bytes]).toEqual([1, 2, 3]);
    expect(view.close()).toBe('revoked');
    backend.unmap(region);
    expect(codeOf(() => backend.unmap(region))).toBe('ERR_SECMEM_DISPOSED');
  });
});

describe('P21 after the program has asked about a pipe', () => {
  it.each([
    [
      'the package was imported before',
      'const { koffiBackend } = await import(packageUrl); fstatSync(0);',
    ],
    [
      'the package is imported after it',
      'fstatSync(0); const { koffiBackend } = await import(packageUrl);',
    ],
  ])('koffi is found through a symbolic link: %s', (_, beginning) => {
    const program = `
      import { fstatSync, lstatSync } from 'node:fs';
      import { fileURLToPath } from 'node:url';
      const packageUrl = ${JSON.stringify(new URL('../dist/index.js', import.meta.url).href)};
      const linked = lstatSync(fileURLToPath(new URL('../node_modules/koffi', packageUrl))).isSymbolicLink();
      ${beginning}
      const piped = fstatSync(0).isFIFO() || fstatSync(0).isSocket();
      koffiBackend()[Symbol.dispose]();
      console.log(JSON.stringify({ linked, piped }));
    `;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      input: 'key',
      encoding: 'utf8',
    });
    expect(ended.stderr).toBe('');
    expect(JSON.parse(ended.stdout)).toEqual({ linked: true, piped: true });
  });
});
