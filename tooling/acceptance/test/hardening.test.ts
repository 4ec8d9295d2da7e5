import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { HardenReport } from '@securemem/koffi';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needs } from '../src/run-scenario.js';

const program = (name: string) =>
  fileURLToPath(new URL(`../src/debugger/${name}.mjs`, import.meta.url));
const BACKENDS = ['koffi', 'napi'];

/** The user who owns the target and the attacker: not root, whom the kernel refuses little, where we may choose. */
const AS_NOBODY =
  process.getuid?.() === 0
    ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all']
    : [];

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A target that runs. */
class Target {
  readonly port: number;
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(backend: string, mode: string, port: number) {
    this.port = port;
    const node = [process.execPath, `--inspect-port=${port}`, program('target'), backend, mode];
    const [command = '', ...args] = [...AS_NOBODY, ...node];
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const input = this.child.stdout as NodeJS.ReadableStream;
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  async hear(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the target ended: ${this.child.signalCode}`);
    return JSON.parse(value);
  }

  /** Whether its debugger is open, as it sees it itself; several turns of its event loop lie between two answers. */
  async debugger(): Promise<unknown> {
    this.child.stdin?.write('\n');
    return (await this.hear())['debugger'];
  }
}

describe('SEC1 hardenProcess() and the debugger of the runtime', () => {
  const targets: Target[] = [];
  afterEach(() => {
    for (const { child } of targets.splice(0)) child.kill('SIGKILL');
  });

  beforeEach((context) => {
    context.skip(process.platform !== 'linux', 'not proven: SIGUSR1 and /proc are those of Linux');
    for (const backend of BACKENDS) needs(context, backend);
  });

  async function start(backend: string, mode: string) {
    const target = new Target(backend, mode, await freePort());
    targets.push(target);
    const { report } = await target.hear();
    return { target, report: report as HardenReport | null };
  }

  it.each(BACKENDS)(
    'SEC1 hardenProcess() of %s refuses a process of the same user that sends SIGUSR1, which reads the secret of a bare process',
    async (backend) => {
      const hardened = await start(backend, 'hardened');
      const control = await start(backend, 'bare');
      expect(hardened.report).toMatchObject({ complete: true });
      const places = [hardened, control].flatMap(({ target: { child, port } }) => [
        child.pid,
        port,
      ]);
      const node = [process.execPath, '--experimental-websocket', program('attacker'), ...places];
      const [command = '', ...args] = [...AS_NOBODY, ...node].map(String);
      const { stdout } = await promisify(execFile)(command, args);
      const [attack, attackOnControl] = JSON.parse(stdout);
      expect(attackOnControl).toEqual({ kernel: 'opened', debugger: 'Secret' });
      expect(attack).toEqual({ kernel: 'EACCES', debugger: 'refused' });
      expect(await hardened.target.debugger()).toBe(null);
      expect(await control.target.debugger()).toContain('ws://');
    },
  );

  it.each(BACKENDS)(
    'SEC1 hardenProcess() of %s reports or closes a debugger that a signal opened just before it',
    async (backend) => {
      const { target, report } = await start(backend, 'signalled');
      if (report?.complete === true) while ((await target.debugger()) !== null);
      else expect(report?.steps.at(-1)?.reason).toContain('the debugger is open');
    },
  );
});

/** Runs `report.mjs` and gives the report. */
async function reportOf(
  backend: string,
  which: string,
  execArgv: readonly string[],
  nodeOptions?: string,
): Promise<HardenReport> {
  const env = { ...process.env };
  if (nodeOptions !== undefined) env['NODE_OPTIONS'] = nodeOptions;
  const args = [...execArgv, program('report'), backend, which];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env, cwd: tmpdir() });
  return JSON.parse(stdout);
}

const last = ({ complete, steps }: HardenReport) => ({ complete, ...steps.at(-1) });

describe.concurrent('SEC1 what hardenProcess() reports of the debugger', () => {
  it.each(BACKENDS)('SEC1 it is complete on %s where nobody asked for one', async (backend) => {
    const report = await reportOf(backend, 'plain', []);
    expect(last(report)).toEqual({ complete: true, measure: 'no-inspector', outcome: 'set' });
  });

  it.each([
    [['--cpu-prof', `--cpu-prof-dir=${tmpdir()}`, '--inspect-port=0']],
    [[`--diagnostic-dir=${tmpdir()}`, `--report-directory=${tmpdir()}`, '--report-compact']],
  ])('SEC1 it is complete with %j, which lets nobody in', async (execArgv) => {
    expect(last(await reportOf('koffi', 'plain', execArgv))).toMatchObject({ complete: true });
  });

  it.each<[string, string, string, string[], string?]>([
    ['koffi', 'the debugger is open', 'plain', ['--inspect=0']],
    ['napi', 'the debugger is open', 'plain', [], '--inspect=0'],
    ['koffi', 'the debugger is open', 'opens', []],
    ['koffi', '--heapsnapshot-signal', 'plain', ['--heapsnapshot-signal=SIGUSR2']],
    ['koffi', '--heapsnapshot-signal', 'plain', ['--heapsnapshot_signal', 'SIGQUIT']],
    ['napi', '--heapsnapshot-signal', 'forgets', [], '--heapsnapshot-signal=SIGUSR2'],
    ['koffi', '--heapsnapshot-near-heap-limit', 'plain', ['--heapsnapshot-near-heap-limit=1']],
    ['koffi', '--report-on-signal', 'forgets', [], '--report-on-signal --report-signal=SIGQUIT'],
    ['napi', '--report-on-fatalerror', 'plain', ['--report-on-fatalerror']],
    ['koffi', '--report-uncaught-exception', 'plain', ['--report-uncaught-exception']],
    ['koffi', 'worker thread', 'worker', []],
    ['napi', 'worker thread', 'worker', []],
  ])('SEC1 it is not complete on %s and says "%s": %s %j %s', async (...given) => {
    const [backend, words, which, execArgv, env] = given;
    const step = last(await reportOf(backend, which, execArgv, env));
    expect(step).toMatchObject({ complete: false, measure: 'no-inspector', outcome: 'failed' });
    expect(step.reason).toContain(words);
  });
});
