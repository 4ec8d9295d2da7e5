import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { createMarker } from '../src/memory-scan.mjs';
import { runProgram } from '../src/program.js';
import { needs } from '../src/run-scenario.js';

/** Beside the packages that the program imports, and nowhere that is kept. */
const directory = fileURLToPath(new URL('../node_modules/.cache/shutdown/', import.meta.url));
const scan = new URL('../src/memory-scan.mjs', import.meta.url).href;
const REQUESTS = 10;

afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The program as the documentation has it. */
function recipe(): string {
  const text = readFileSync(new URL('../../../docs/LIFETIMES.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('## Order of shutdown');
  return /```js\n(.*?)```/s.exec(section)?.[1] ?? '';
}

function replaced(text: string, from: string, to: string): string {
  expect(text.split(from)).toHaveLength(2);
  return text.replace(from, () => to);
}

/** A store whose writes wait for SIGTERM, and that says what a scan finds of the key at each step. */
const store = (masked: string): string => `
  import { Server } from 'node:http';
  import { writeSync } from 'node:fs';
  import { markerFromMasked } from '${scan}';
  const marker = markerFromMasked('${masked}');
  export const say = (what) => writeSync(1, JSON.stringify({ what, copies: marker.count() }) + '\\n');
  const terminated = new Promise((resolve) => process.on('SIGTERM', () => setImmediate(resolve)));
  const { close } = Server.prototype;
  Server.prototype.close = function (...args) {
    say('network closes');
    return close.apply(this, args);
  };
  export async function openStore() {
    let waiting = 0;
    return {
      async append() {
        if (++waiting === ${REQUESTS}) say('all in flight');
        await terminated;
      },
      async close() { say('store closes'); },
    };
  }
`;

for (const backend of ['koffi', 'napi-mlock']) {
  it(`G9 the documented shutdown on ${backend} finishes its work, wipes, then closes network and stores`, async (context) => {
    needs(context, backend);
    context.skip(process.platform !== 'linux', 'not proven: memory is scanned through /proc');
    const marker = createMarker();
    mkdirSync(directory, { recursive: true });
    const keyFile = `${directory}key`;
    writeFileSync(keyFile, marker.fill(new Uint8Array(new ArrayBuffer(marker.byteLength))));
    writeFileSync(`${directory}store.mjs`, store(marker.masked()));
    let program = replaced(recipe(), '/run/secrets/signing-key', keyFile);
    program = replaced(program, 'listen(8080)', 'listen(0, () => say(server.address().port))');
    program = replaced(program, 'import { openStore }', 'import { openStore, say }');
    if (backend !== 'koffi') {
      program = replaced(program, '{ koffiBackend }', '{ napiBackend }');
      program = replaced(program, '@securemem/koffi', '@securemem/napi');
      program = replaced(program, 'koffiBackend()', "napiBackend({ kernelHidden: 'off' })");
    }
    writeFileSync(`${directory}program.mjs`, program);

    const answers: Promise<number | undefined>[] = [];
    const request = (port: unknown): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        get(`http://localhost:${port}/`, (response) => {
          response.resume().on('end', () => resolve(response.statusCode));
        }).on('error', reject);
      });
    const end = await runProgram([`${directory}program.mjs`], ({ what }, child) => {
      if (typeof what === 'number') {
        for (let i = 0; i < REQUESTS; i++) answers.push(request(what));
      } else if (what === 'all in flight') child.kill('SIGTERM');
    });
    expect(end.stderr).toBe('');
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(await Promise.all(answers)).toEqual(new Array(REQUESTS).fill(200));
    expect(end.said.slice(1)).toEqual([
      { what: 'all in flight', copies: 1 },
      { what: 'network closes', copies: 0 },
      { what: 'store closes', copies: 0 },
    ]);
  });
}
