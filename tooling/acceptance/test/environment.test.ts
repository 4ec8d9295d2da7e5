import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { programOf } from '../src/backends.mjs';
import { textOf, type Watched, watch } from '../src/ends/watched.js';
import { createMarker } from '../src/memory-scan.mjs';
import { MEASURED, nodeOf } from '../src/nodes.js';
import { needs } from '../src/run-scenario.js';

const PROGRAM = fileURLToPath(new URL('../src/ends/variable.mjs', import.meta.url));

/** A process that was given a secret of 64 characters in a variable, as another process sees it. */
function given(program: string, backend: string, scene: string): Promise<Watched> {
  const marker = createMarker().asText('hex');
  const environment = { APP_KEY: textOf(marker) };
  return watch({ program, args: [PROGRAM, backend, scene], environment }, marker);
}

const linux = process.platform === 'linux';

// Of napi the mode whose pages a scan can see: each case first shows that the scan finds the page itself.
describe.each(['koffi', 'napi-mlock', 'ffi'])('E1 fromEnvironment, %s', (backend) => {
  const look = (scene: string): Promise<Watched> => given(programOf(backend), backend, scene);

  it('E1 moves the variable into the page and leaves no copy in the process and in /proc/<pid>/environ', async (context) => {
    needs(context, backend);
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    const { said, ...found } = await look('take');
    expect(found).toEqual({ locked: 1, others: [], inEnvironment: false });
    expect(said).toMatchObject({ byteLength: 64, isSet: false });
    expect(said['events']).toMatchObject([{ name: 'APP_KEY', from: 'variable', left: [] }]);
    expect(said['listed']).not.toContain('APP_KEY');

    const untouched = await look('untouched');
    expect(untouched).toMatchObject({ locked: 0, inEnvironment: true });
    expect(untouched.others).toHaveLength(1);
  }, 60_000);

  it('E1 erases every variable of the name, and what was set before it was set again', async (context) => {
    needs(context, backend);
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    const twice = await look('runAgainWithTwo');
    expect(twice).toMatchObject({ locked: 1, others: [], inEnvironment: false });
    expect(twice.said['listed']).toEqual(['OTHERAPP_KEY']);
    const again = await look('setAgain');
    expect(again).toMatchObject({ locked: 0, others: [], inEnvironment: false });
    expect(again.said).toMatchObject({ byteLength: 'another'.length, isSet: false });
  }, 60_000);

  it('E1 leaves what the program itself has copied before, which the scan finds', async (context) => {
    needs(context, backend);
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    for (const scene of ['readFirst', 'spreadFirst', 'workerFirst']) {
      const found = await look(scene);
      expect([scene, found.locked, found.inEnvironment]).toEqual([scene, 1, false]);
      expect([scene, found.others.length > 0]).toEqual([scene, true]);
    }
    const { said } = await look('ownObject');
    expect(said['events']).toMatchObject([{ left: ['process.env'] }]);
  }, 60_000);
});

describe('E1 surroundings that are not the usual ones', () => {
  it('E1 takes a value of 128 KiB, and leaves none of it', async (context) => {
    needs(context, 'koffi');
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    const marker = createMarker(65_000).asText('hex');
    const environment = { APP_KEY: textOf(marker) };
    const args = [PROGRAM, 'koffi', 'takeHuge'];
    const { said, ...found } = await watch(
      { program: process.execPath, args, environment },
      marker,
    );
    expect(found).toEqual({ locked: 1, others: [], inEnvironment: false });
    expect(said['byteLength']).toBe(130_000);
  }, 60_000);

  it('E1 refuses in a worker thread, and the main thread can take it afterwards', async (context) => {
    needs(context, 'koffi');
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    for (const backend of ['koffi', 'napi-mlock']) {
      const { said, inEnvironment } = await given(process.execPath, backend, 'inWorker');
      expect(said).toMatchObject({ code: 'ERR_SECMEM_NOT_SUPPORTED', byteLength: 64 });
      expect(inEnvironment).toBe(false);
    }
  }, 60_000);

  it('E1 works under the permission model, and says what it was not allowed to look at', async (context) => {
    needs(context, 'koffi');
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    const node = nodeOf(24);
    if ('missing' in node) return context.skip(`not proven: ${node.missing}`);
    const root = fileURLToPath(new URL('../../../', import.meta.url));
    const marker = createMarker().asText('hex');
    const environment = { APP_KEY: textOf(marker) };
    // The second is what loads the other backend, which is imported as well.
    const readable = [root, '/etc/alpine-release'].map((path) => `--allow-fs-read=${path}`);
    const allowed = ['--permission', '--allow-addons', ...readable];
    const args = [...allowed, PROGRAM, 'koffi', 'take'];
    const { said, ...found } = await watch({ program: node.program, args, environment }, marker);
    expect(found).toEqual({ locked: 1, others: [], inEnvironment: false });
    expect(said['events']).toMatchObject([{ from: 'variable', left: ['start-block'] }]);
  }, 60_000);
});

describe('E1 what does not erase a variable', () => {
  it('E1 the scan finds it after delete, and after a copy that was not overwritten', async (context) => {
    needs(context, 'koffi');
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    for (const scene of ['deleteOnly', 'readAndDelete', 'copyWithoutErasing']) {
      const { others, inEnvironment } = await given(process.execPath, 'koffi', scene);
      expect([scene, others.length > 0, inEnvironment]).toEqual([scene, true, true]);
    }
  }, 60_000);

  it('E1 of two calls at once one gets it, and the other is told that there is none', async (context) => {
    needs(context, 'koffi');
    context.skip(!linux, 'not proven: memory is scanned through /proc');
    const { said, locked, others } = await given(process.execPath, 'koffi', 'twoAtOnce');
    expect([locked, others]).toEqual([1, []]);
    expect(said).toMatchObject({ outcomes: ['fulfilled', 'rejected'], rejected: ['missing'] });
  }, 60_000);
});

describe.each(MEASURED)('E1 on Node %s', (release) => {
  it.for(['koffi', 'napi-mlock'])(
    'E1 leaves no copy with %s',
    { timeout: 60_000 },
    async (backend, context) => {
      needs(context, backend);
      const node = nodeOf(release);
      if ('missing' in node) return context.skip(`not proven: ${node.missing}`);
      const { said, ...found } = await given(node.program, backend, 'take');
      expect(found).toEqual({ locked: 1, others: [], inEnvironment: false });
      expect(said['isSet']).toBe(false);
    },
  );
});
