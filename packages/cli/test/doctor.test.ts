import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Confinement, confine, proveConfinement } from '@securemem/confined';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { type Diagnosis, diagnose, type Finding } from '../src/index.js';
import { cli, run } from './run-cli.js';

function diagnosisOf(line: readonly string[], env?: NodeJS.ProcessEnv): Diagnosis {
  const { stdout, stderr } = run(line, env);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Diagnosis;
}

const found = ({ findings }: Diagnosis, id: string): Finding =>
  findings.find((finding) => finding.id === id) as Finding;

/** The command line under a lock limit, once it is proven that the limit binds. */
function confined(ctx: TestContext, confinement: Confinement, line: readonly string[]): string[] {
  const proof = proveConfinement(confinement);
  if (!proof.proven) ctx.skip(`not proven: ${proof.reason}`);
  const [command, ...args] = line;
  const confinedLine = confine(command as string, args, confinement);
  return [confinedLine.command, ...confinedLine.args];
}

const json = (...args: string[]): string[] => cli('doctor', '--json', ...args);

describe('doctor on this machine', () => {
  it('finds the backends that are installed, and that they lock a page', () => {
    const diagnosis = diagnosisOf(json());
    const [koffi, napi, ffi, nolock] = diagnosis.facts.backends;
    expect([koffi?.state, nolock?.state]).toEqual(['open', 'open']);
    expect(['open', 'unavailable']).toContain(napi?.state);
    // Where this Node has no node:ffi, the reason names the version that has.
    const reason = ffi?.state === 'open' ? undefined : expect.stringContaining('Node 26.9');
    expect(ffi).toMatchObject({ packageName: '@securemem/ffi', reason });
    expect(found(diagnosis, 'backend').level).toBe('good');
  });

  it('says the same in words', () => {
    const { stdout, code } = run(cli('doctor'));
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /@securemem\/koffi .*locked a page and gave it back/,
    );
    expect(stdout).toMatch(/Room for secrets of 32 bytes/);
  });

  it('K6 says for each backend whether a key can be a reference there', () => {
    const { facts } = diagnosisOf(json());
    const words = run(cli('doctor')).stdout.replaceAll(/\s+/g, ' ');
    const open = facts.backends.filter(({ state }) => state === 'open');
    for (const { packageName, capabilities } of open) {
      const told = `${packageName} [^@]*references of keys ${capabilities?.keyReferences}`;
      expect(words).toMatch(new RegExp(told));
    }
    expect(open.length).toBeGreaterThan(1);
  });

  it('E1 names the variables that look like secrets, and shows none of their values', () => {
    const environment = { STRIPE_KEY: 'v4lue', DB_PASSWORD_FILE: '/v4lue', PWD: '/v4lue' };
    const hostile = { 'NAME\x1b[2J_TOKEN': 'v4lue', my_token: 'v4lue' };
    const { stdout } = run(cli('doctor'), { ...environment, ...hostile });
    const flat = stdout.replaceAll(/\n {6}(?! )/g, ' ');
    expect(flat).toMatch(/note {2}variables of the environment.*: STRIPE_KEY, my_token\n/);
    expect(stdout).not.toContain('v4lue');
    expect(stdout).not.toContain('\x1b');
    expect(diagnosisOf(json(), environment).facts.secretNames).toEqual(['STRIPE_KEY']);
  });

  it('says that backends are not installed where they are not, and how to install them', () => {
    const empty = mkdtempSync(join(tmpdir(), 'securemem-doctor-'));
    onTestFinished(() => rmSync(empty, { recursive: true }));
    const { stdout, code } = run(cli('doctor'), {}, empty);
    expect(code).toBe(1);
    expect(stdout).toMatch(/STOP {2}no backend that locks memory is installed here\n +npm install/);
    expect(run(cli('doctor', '--secrets', '1'), {}, empty).code).toBe(1);
  });

  it('tells root with the capability from everybody else', (ctx) => {
    if (process.getuid?.() !== 0) ctx.skip('not proven: not started as root');
    const limited = ['prlimit', '--memlock=65536:65536', ...json()];
    const diagnosis = diagnosisOf(limited);
    if (diagnosis.facts.lock.capability !== true || diagnosis.facts.lock.userNamespace !== false) {
      ctx.skip('not proven: root has no CAP_IPC_LOCK that counts here');
    }
    expect(found(diagnosis, 'lock-limit').says).toMatch(/CAP_IPC_LOCK lifts the limit of 64 KiB/);
    const unprivileged = confined(ctx, { memlockByteLength: 65_536, as: 'root' }, json());
    expect(found(diagnosisOf(unprivileged), 'lock-limit').says).toMatch(/may lock 64 KiB/);
  });

  it('tells an ordinary user under 64 KiB', (ctx) => {
    const line = confined(ctx, { memlockByteLength: 65_536, as: 'user' }, json());
    const diagnosis = diagnosisOf(line);
    // Under a tight limit each slab is one page, of 102 slots.
    expect(diagnosis.room).toContainEqual(
      expect.objectContaining({ backend: 'koffi', route: 'pooled', secrets: 16 * 102 }),
    );
    expect(found(diagnosis, 'lock-limit')).toMatchObject({
      level: 'note',
      says: 'this process may lock 64 KiB',
      remedies: expect.arrayContaining([expect.stringContaining('memlock=')]),
    });
  });

  it('N14 ends with 1 where it says STOP', (ctx) => {
    const line = confined(ctx, { memlockByteLength: 0, as: 'user' }, cli('doctor'));
    const { code, stdout } = run(line);
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^STOP {2}/m)]);
  });

  it('tells a limit of 0, and that no backend can lock a page under it', (ctx) => {
    const diagnosis = diagnosisOf(confined(ctx, { memlockByteLength: 0, as: 'user' }, json()));
    expect(found(diagnosis, 'lock-limit')).toMatchObject({
      level: 'blocked',
      says: 'this process may lock 0 bytes',
    });
    expect(found(diagnosis, 'backend').says).toMatch(/refused with ERR_SECMEM_LOCK_LIMIT/);
  });

  it('tells that there is no limit, on the facts of this machine where nothing else may be changed', () => {
    // Lifting the limit itself takes CAP_SYS_RESOURCE, which a container rarely has: the fact is replaced instead.
    const { facts } = diagnosisOf(json());
    const lock = { ...facts.lock, soft: 'unlimited', hard: 'unlimited' } as const;
    const diagnosis = diagnose(
      { ...facts, lock },
      { secrets: undefined, byteLength: 32, sealed: false },
    );
    expect(found(diagnosis, 'lock-limit').says).toMatch(/^there is no lock limit/);
  });

  it('X12 tells a user namespace, where the capability shows and does not count', (ctx) => {
    const line = ['prlimit', '--memlock=65536:65536', 'unshare', '--user', '--map-root-user'];
    const { stdout, stderr } = run([...line, ...json()]);
    if (stdout === '') ctx.skip(`not proven: no user namespace (${stderr.trim()})`);
    const diagnosis = JSON.parse(stdout) as Diagnosis;
    expect(diagnosis.facts.lock).toMatchObject({ capability: true, userNamespace: true });
    expect(found(diagnosis, 'lock-limit').says).toMatch(
      /^this process may lock 64 KiB; CAP_IPC_LOCK shows, but in a user namespace it does not count/,
    );
  });

  it('tells what the limit in force is as the backends tell it', (ctx) => {
    for (const as of ['root', 'user'] as const) {
      const line = confined(ctx, { memlockByteLength: 65_536, as }, json());
      const { facts } = diagnosisOf(line);
      for (const { capabilities, lockLimit } of facts.backends) {
        if (capabilities?.locking === 'locked') expect(lockLimit).toBe(65_536);
      }
    }
  });
});

describe("doctor under Node's permission model", () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
  const under = (...flags: string[]): string[] => {
    const [node, ...rest] = json();
    return [node as string, flag, '--allow-fs-read=*', ...flags, ...rest];
  };

  it('tells that native backends cannot be loaded, and the advice makes the finding go away', () => {
    const denied = diagnosisOf(under());
    expect(found(denied, 'permission-model')).toMatchObject({
      level: 'blocked',
      remedies: [expect.stringContaining('--allow-addons')],
    });
    expect(found(denied, 'backend').level).toBe('blocked');
    const allowed = diagnosisOf(under('--allow-addons'));
    expect(found(allowed, 'permission-model').level).toBe('good');
    expect(found(allowed, 'backend').level).toBe('good');
  });
});

describe('the advice of doctor makes the finding go away', () => {
  const nothing = { memlockByteLength: 0, memlockHardByteLength: 2_097_152, as: 'user' } as const;

  it('ulimit -l, for a lock limit of 0', (ctx) => {
    const bad = found(diagnosisOf(confined(ctx, nothing, json())), 'lock-limit');
    expect(bad.level).toBe('blocked');
    const advice = bad.remedies.join('\n').match(/ulimit -l \d+/)?.[0] as string;
    const [command, ...args] = json();
    const shell = ['sh', '-c', `${advice} && exec "$0" "$@"`, command as string, ...args];
    const after = diagnosisOf(confined(ctx, nothing, shell));
    expect(found(after, 'lock-limit').level).toBe('good');
    expect(found(after, 'backend').level).toBe('good');
  });

  it('ulimit -l, for a need that is not met', (ctx) => {
    const need = ['--secrets', '3000', '--bytes', '64'];
    const before = run(confined(ctx, nothing, cli('doctor', ...need)));
    expect(before.code).toBe(1);
    const advice = before.stdout.match(/ulimit -l \d+/)?.[0] as string;
    const [command, ...args] = cli('doctor', ...need);
    const shell = ['sh', '-c', `${advice} && exec "$0" "$@"`, command as string, ...args];
    const after = run(confined(ctx, nothing, shell));
    expect([after.code, after.stdout]).toEqual([0, expect.stringMatching(/3,000 secrets .* fit/)]);
  });
});

describe('the command line of doctor', () => {
  it.each([
    ['an unknown option', 'doctor', '--secret', '3'],
    ['a number of secrets that is none', 'doctor', '--secrets', 'many'],
    ['no secrets', 'doctor', '--secrets', '0'],
    ['a length that is none', 'doctor', '--bytes', '-1'],
    ['more bytes than a secret can have', 'doctor', '--bytes', '2147483649'],
    ['more than any machine holds', 'doctor', '--secrets', '1000000000', '--bytes', '2147483648'],
    ['sealed without a number', 'doctor', '--sealed'],
    ['an argument', 'doctor', 'now'],
    ['an unknown command', 'diagnose'],
    ['no command', ...([] as string[])],
  ])('ends with 2 for %s', (_, ...args) => {
    const { code, stdout, stderr } = run(cli(...args));
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^securemem: .+/);
  });

  it.each([['--help'], ['doctor', '--help'], ['conformance', '-h']])(
    'explains itself: %s',
    (...args) => {
      const { code, stdout } = run(cli(...(args as string[])));
      expect(code).toBe(0);
      expect(stdout).toMatch(/npx securemem/);
    },
  );

  it('ends with 0 for a need that is met', () => {
    expect(run(cli('doctor', '--secrets', '1')).code).toBe(0);
  });
});
