import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';

const dist = (file: string): string => JSON.stringify(new URL(`../dist/${file}`, import.meta.url));
/** Where the neighbours are installed. */
const cwd = fileURLToPath(new URL('..', import.meta.url));

interface End {
  readonly said: readonly string[];
  readonly code: number | null;
  readonly signal: string | null;
}

/** Runs a program that says `ready` when it waits for `signal`, and gives what it said and how it ended. */
function run(program: string, signal: NodeJS.Signals): Promise<End> {
  const args = ['--input-type=module', '-e', program];
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
    if (chunk.toString().includes('ready\n')) child.kill(signal);
  });
  return new Promise((resolve) => {
    child.on('exit', (code, end) => {
      child.stdout.destroy();
      resolve({ said: said.trim().split('\n'), code, signal: end });
    });
  });
}

const SHARED = (signal: NodeJS.Signals) => `
  import { writeSync } from 'node:fs';
  import { subscribe } from 'node:diagnostics_channel';
  import { createAllocator } from ${dist('index.js')};
  import { fakeBackend } from ${dist('testing.js')};
  const say = (text) => writeSync(1, text + '\\n');
  const signal = '${signal}';
  subscribe('securemem:purge', ({ reason, secrets }) => say('wiped at ' + reason + ', ' + secrets));
  setInterval(() => {}, 1000);
`;

const MEMORY = `
  const memory = createAllocator({ backend: fakeBackend() });
  memory.randomSync(32);
`;

/** By what each is: code that listens to the signal beside us. */
const neighbours: Readonly<Record<string, string>> = {
  'signal-exit 3': `(await import('signal-exit-3')).default(() => say('theirs'));`,
  'signal-exit 4': `(await import('signal-exit-4')).onExit(() => say('theirs'));`,
  'signal-exit 3 and 4': `
    (await import('signal-exit-3')).default(() => say('theirs'));
    (await import('signal-exit-4')).onExit(() => say('theirs too'));`,
  'execa, which has a child': `
    const { execa } = await import('execa');
    execa('sleep', ['600']).catch(() => {});`,
  'restore-cursor on a terminal': `
    process.stderr.isTTY = true;
    (await import('restore-cursor')).default();`,
  'one that counts listeners': `
    const other = () => {
      if (process.listenerCount(signal) !== 1) return;
      process.off(signal, other);
      process.kill(process.pid, signal);
    };
    process.on(signal, other);`,
  'one that counts listeners and comes first': `
    const other = () => {
      if (process.listeners(signal).length !== 1) return;
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    };
    process.prependListener(signal, other);`,
  'one that raises it again': `process.once(signal, () => process.kill(process.pid, signal));`,
  'one that raises it again and comes first': `
    process.prependOnceListener(signal, () => process.kill(process.pid, signal));`,
  'one that raises it again later': `
    const other = () => setTimeout(() => {
      process.off(signal, other);
      process.kill(process.pid, signal);
    }, 5);
    process.on(signal, other);`,
  'one that exits': `process.on(signal, () => process.exit(3));`,
  'one that exits and comes first': `process.prependListener(signal, () => process.exit(3));`,
  'one that throws': `process.on(signal, () => { throw new Error('theirs'); });`,
  'one that throws and comes first': `
    process.prependListener(signal, () => { throw new Error('theirs'); });`,
};

describe('P01 a signal ends the process as it would have without us, and wipes, beside', () => {
  it.each(Object.entries(neighbours))('%s', { timeout: 120_000 }, async (_name, code) => {
    const start = SHARED('SIGTERM');
    const programs = [code, `${MEMORY}${code}`, `${code}${MEMORY}`];
    const [alone, ...both] = await Promise.all(
      programs.map((program) => run(`${start}${program} say('ready');`, 'SIGTERM')),
    );
    expect(alone?.said[0]).toBe('ready');
    for (const { said, ...end } of both) {
      expect(end).toEqual({ code: alone?.code, signal: alone?.signal });
      expect(said.filter((line) => /^wiped at (SIGTERM|exit), 1$/.test(line))).toHaveLength(1);
      expect(said.filter((line) => !line.startsWith('wiped'))).toEqual(alone?.said);
    }
  });

  it.each(['SIGINT', 'SIGHUP'] as const)('signal-exit 4, with %s', async (signal) => {
    const code = neighbours['signal-exit 4'];
    const both = await run(`${SHARED(signal)}${MEMORY}${code} say('ready');`, signal);
    expect([both.said, both.signal]).toEqual([
      ['ready', 'theirs', `wiped at ${signal}, 1`],
      signal,
    ]);
  });
});

describe('P01 a program that goes on after the signal', () => {
  it('keeps its secrets where signal-exit was told to let it live, and the next signal ends it', async () => {
    const code = `
      (await import('signal-exit-4')).onExit(() => {
        setTimeout(() => { say('alive with ' + memory.stats().secrets); process.kill(process.pid, signal); }, 5);
        return true;
      });`;
    const both = await run(`${SHARED('SIGTERM')}${MEMORY}${code} say('ready');`, 'SIGTERM');
    expect([both.said, both.signal]).toEqual([
      ['ready', 'alive with 1', 'wiped at SIGTERM, 1'],
      'SIGTERM',
    ]);
  });

  it('is asked again by the next signal, and the one that catches what a listener throws lives', async () => {
    const code = `
      let times = 0;
      process.on('uncaughtException', () => {});
      process.on(signal, () => {
        times += 1;
        say('asked, ' + memory.stats().secrets + ' live');
        if (times === 3) process.exit(0);
        setImmediate(() => setImmediate(() => process.kill(process.pid, signal)));
        throw new Error('theirs');
      });`;
    const both = await run(`${SHARED('SIGTERM')}${MEMORY}${code} say('ready');`, 'SIGTERM');
    const asked = 'asked, 1 live';
    expect([both.said, both.code]).toEqual([['ready', asked, asked, asked, 'wiped at exit, 1'], 0]);
  });

  it('leaves no listener of ours behind when its allocator is closed in the middle of a signal', async () => {
    const code = `
      process.on(signal, async () => {
        await memory.close();
        setImmediate(() => {
          const left = ['SIGINT', 'SIGTERM', 'SIGHUP', 'newListener', 'exit'].map((name) => process.listenerCount(name));
          say(left.join(' '));
          process.exit(0);
        });
      });`;
    const before = 'const before = () => {};';
    const both = await run(
      `${SHARED('SIGTERM')}${before}${MEMORY}${code} say('ready');`,
      'SIGTERM',
    );
    expect(both.said[1]).toMatch(/^0 1 0 /);
  });
});
