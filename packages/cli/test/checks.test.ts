import { remedies } from '@securemem/core';
import { describe, expect, it } from 'vitest';
import { diagnose, type Facts, type Finding, type Level, type Need, render } from '../src/index.js';
import { closedBackend, machine, openBackend } from './machine.js';

const NOTHING: Need = { secrets: undefined, byteLength: 32, sealed: false };

function finding(facts: Facts, id: string, need: Need = NOTHING): Finding | undefined {
  return diagnose(facts, need).findings.find((found) => found.id === id);
}

const lock = (different: Partial<Facts['lock']>): Facts =>
  machine({ lock: { ...machine().lock, ...different } });

describe('doctor', () => {
  it('has nothing to mend on a machine where all is well', () => {
    const { findings, needMet } = diagnose(machine(), NOTHING);
    expect(findings.filter(({ level }) => level !== 'good')).toEqual([]);
    expect(findings.flatMap(({ remedies: lines }) => lines)).toEqual([]);
    expect(needMet).toBe(true);
  });

  it.each<[string, Facts, string, Level, RegExp]>([
    ['a limit of 0', lock({ soft: 0, hard: 0 }), 'lock-limit', 'blocked', /may lock 0 bytes/],
    ['a limit below one page', lock({ soft: 4095 }), 'lock-limit', 'blocked', /may lock 4 KiB/],
    ['a small limit', lock({ soft: 32_768 }), 'lock-limit', 'weak', /may lock 32 KiB/],
    ['64 KiB', lock({ soft: 65_536, hard: 65_536 }), 'lock-limit', 'note', /may lock 64 KiB$/],
    ['128 KiB', lock({ soft: 131_072 }), 'lock-limit', 'good', /may lock 128 KiB/],
    ['no limit', lock({ soft: 'unlimited' }), 'lock-limit', 'good', /there is no lock limit/],
    [
      'a capability that counts',
      lock({ soft: 0, capability: true }),
      'lock-limit',
      'good',
      /CAP_IPC_LOCK lifts/,
    ],
    [
      'a capability that does not count',
      lock({ soft: 0, capability: true, userNamespace: true }),
      'lock-limit',
      'blocked',
      /in a user namespace it does not count/,
    ],
    [
      'a higher hard limit',
      lock({ soft: 65_536, hard: 1_048_576 }),
      'lock-limit',
      'note',
      /raise that to 1 MiB itself/,
    ],
    [
      'a low number of mappings',
      machine({ mappings: { inUse: 150, max: 1_000 } }),
      'mappings',
      'weak',
      /room for 240/,
    ],
    [
      'no mapping left',
      machine({ mappings: { inUse: 870, max: 1_000 } }),
      'mappings',
      'blocked',
      /room for 0/,
    ],
    ['no memfd_secret', machine({ memfdSecret: false }), 'memfd-secret', 'note', /root can read/],
    [
      'hidden pages that would forbid hibernation',
      machine({ memfdSecret: true, hibernation: true }),
      'memfd-secret',
      'note',
      /left alone, since this machine can hibernate/,
    ],
    [
      'nobody who could tell',
      machine({ memfdSecret: 'unknown' }),
      'memfd-secret',
      'note',
      /once a backend locks a page/,
    ],
    [
      'core files',
      machine({ coreFiles: { limit: 'unlimited', toProgram: false } }),
      'core-files',
      'note',
      /writes a core/,
    ],
    [
      'core files that go to a program',
      machine({ coreFiles: { limit: 0, toProgram: true } }),
      'core-files',
      'note',
      /to a program/,
    ],
    [
      'an open ptrace scope',
      machine({ ptraceScope: 0 }),
      'ptrace',
      'weak',
      /any process of the same user/,
    ],
    ['no Yama', machine({ ptraceScope: 'none' }), 'ptrace', 'weak', /any process of the same user/],
    ['a closed ptrace scope', machine({ ptraceScope: 3 }), 'ptrace', 'good', /nobody may attach/],
    [
      'SEC1 a debugger on SIGUSR1',
      machine({ debugger: { signal: true, ways: [] } }),
      'debugger',
      'weak',
      /SIGUSR1 of any process of the same user/,
    ],
    [
      'SEC1 a debugger that is open',
      machine({ debugger: { signal: false, ways: ['the debugger is open'] } }),
      'debugger',
      'weak',
      /lets others in: the debugger is open/,
    ],
    ['SEC1 a closed debugger', machine(), 'debugger', 'good', /no signal opens/],
    ['swap', machine({ swapByteLength: 1024 ** 3 }), 'swap', 'note', /1 GiB of swap/],
    [
      'hibernation',
      machine({ hibernation: true }),
      'hibernation',
      'weak',
      /writes locked pages to disk/,
    ],
    [
      'a filter',
      machine({ seccomp: 2 }),
      'seccomp',
      'good',
      /lets through what secure memory needs/,
    ],
    [
      'a filter that denies',
      machine({
        seccomp: 2,
        backends: [
          openBackend('koffi', {}, { trial: { passed: false, code: 'ERR_SECMEM_DENIED' } }),
        ],
      }),
      'seccomp',
      'blocked',
      /refuses a system call/,
    ],
    [
      'the permission model',
      machine({
        permissionModel: { on: true, addons: false },
        backends: [closedBackend('koffi', 'unavailable', 'addons are forbidden')],
      }),
      'permission-model',
      'blocked',
      /forbids native addons/,
    ],
    [
      'the permission model with addons',
      machine({ permissionModel: { on: true, addons: true } }),
      'permission-model',
      'good',
      /allows/,
    ],
    [
      'no external buffers',
      machine({ backends: [openBackend('koffi', { views: 'none' })] }),
      'external-buffers',
      'weak',
      /lends a copy/,
    ],
    [
      'a SIGSEGV listener',
      machine({ sigsegvListeners: 1 }),
      'sigsegv-listener',
      'weak',
      /listens to SIGSEGV/,
    ],
    [
      'variables that look like secrets',
      machine({ secretNames: ['STRIPE_KEY', 'DB_PASSWORD'] }),
      'environment',
      'note',
      /look like secrets.*: STRIPE_KEY, DB_PASSWORD$/,
    ],
    [
      'no backend',
      machine({ backends: [closedBackend('koffi', 'missing')] }),
      'backend',
      'blocked',
      /is installed here/,
    ],
    [
      'a backend that cannot open',
      machine({ backends: [closedBackend('koffi', 'unavailable', 'no library')] }),
      'backend',
      'blocked',
      /no library/,
    ],
  ])('tells %s', (_, facts, id, level, words) => {
    const found = finding(facts, id);
    expect(found).toMatchObject({ level, says: expect.stringMatching(words) });
    if (level !== 'blocked' || id !== 'backend') return;
    expect(diagnose(facts, NOTHING).room).toEqual([]);
  });

  it('tells a control group that kills before the lock limit refuses', () => {
    const memory = { ...machine().memory, groupLimitByteLength: 512 * 1024 ** 2 };
    const roomy = finding({ ...lock({ soft: 400 * 1024 ** 2 }), memory }, 'memory-group');
    expect(roomy).toMatchObject({
      level: 'weak',
      says: expect.stringMatching(/kills the process/),
    });
    expect(roomy?.remedies.join()).toMatch(/lockedByteLengthMax: 268435456/);
    expect(finding(machine({ memory }), 'memory-group')?.level).toBe('note');
    // Without a lock limit the budget is a quarter of what the group allows.
    const unlimited = { ...lock({ soft: 'unlimited' }), memory };
    expect(finding(unlimited, 'memory-group')?.level).toBe('note');
  });

  it('gives every finding that can be mended at least one line', () => {
    const bad = machine({
      lock: { ...machine().lock, soft: 0, hard: 0 },
      mappings: { inUse: 900, max: 1_000 },
      permissionModel: { on: true, addons: false },
      ptraceScope: 0,
      debugger: { signal: true, ways: [] },
      hibernation: true,
      sigsegvListeners: 1,
      backends: [],
    });
    for (const { id, level, remedies: lines } of diagnose(bad, NOTHING).findings) {
      if (level === 'blocked' || level === 'weak')
        expect([id, lines.length > 0]).toEqual([id, true]);
    }
  });

  it.each([
    ['shell', /^prlimit: sudo prlimit --pid \$\$ --memlock=1048576:1048576/m],
    ['shell', /^login: \* - memlock 1024 .*limits\.conf/m],
    ['systemd', /^systemd: LimitMEMLOCK=1024K/m],
    ['docker', /^docker: docker run --ulimit memlock=1048576:1048576/m],
    ['docker', /^compose: ulimits: \{ memlock: \{ soft: 1048576, hard: 1048576 \} \}/m],
    ['kubernetes', /^kubernetes: a pod cannot set it/m],
    ['lambda', /^lambda: it cannot be set there/m],
    ['fargate', /^fargate: only nofile can be set there/m],
  ] as const)('says how %s raises the lock limit', (surroundings, words) => {
    const facts = { ...lock({ soft: 0, hard: 0 }), surroundings };
    expect(finding(facts, 'lock-limit')?.remedies.join('\n')).toMatch(words);
  });

  it('N15 offers nothing that the hard limit forbids, and no rights that nobody needs below it', () => {
    const linesOf = (hard: Facts['lock']['hard']) =>
      finding({ ...lock({ soft: 0, hard }), surroundings: 'shell' }, 'lock-limit')?.remedies ?? [];
    const named = (lines: readonly string[]) => lines.map((line) => line.split(':')[0]);
    expect(named(linesOf(1_048_575))).not.toContain('shell');
    expect(named(linesOf(1_048_575))).toContain('prlimit');
    for (const hard of [1_048_576, 'unlimited'] as const) {
      expect(named(linesOf(hard))).toContain('shell');
      expect(named(linesOf(hard))).not.toContain('prlimit');
    }
    expect(named(linesOf('unknown'))).toEqual(expect.arrayContaining(['shell', 'prlimit']));
  });

  it('N14 stops where no backend can lock, and where nothing fits', () => {
    expect(diagnose(machine(), NOTHING).stops).toBe(false);
    expect(diagnose(machine({ swapByteLength: 1024, ptraceScope: 0 }), NOTHING).stops).toBe(false);
    expect(diagnose(lock({ soft: 0, hard: 0 }), NOTHING).stops).toBe(true);
    expect(diagnose(machine({ backends: [] }), NOTHING).stops).toBe(true);
    const many = { secrets: 1e12, byteLength: 32, sealed: false };
    expect(diagnose(lock({ soft: 65_536 }), many).stops).toBe(true);
  });

  it('says the same words as the errors of core', () => {
    const facts = lock({ soft: 0, hard: 2_097_152 });
    const lines = finding(facts, 'lock-limit')?.remedies.join('\n') ?? '';
    expect(remedies.raiseLockLimitRemedy(1_048_576)).toContain('ulimit -l 1024');
    expect(lines).toContain('ulimit -l 1024');
    const mappings = finding(machine({ mappings: { inUse: 900, max: 1_000 } }), 'mappings');
    expect(mappings?.remedies).toEqual([remedies.MAP_LIMIT_REMEDY]);
  });
});

describe('doctor --secrets', () => {
  const small = lock({ soft: 65_536, hard: 65_536 });
  const needing = (secrets: number, byteLength = 64, sealed = false): Need => ({
    secrets,
    byteLength,
    sealed,
  });

  it('is met by what fits and not by one more', () => {
    const fits = diagnose(small, needing(1)).room[0]?.secrets as number;
    expect(fits).toBeGreaterThan(800);
    expect(diagnose(small, needing(fits)).needMet).toBe(true);
    const { needMet, findings } = diagnose(small, needing(fits + 1));
    expect(needMet).toBe(false);
    expect(findings[0]).toMatchObject({ id: 'need', level: 'blocked' });
  });

  it('asks for the smallest limit that is enough', () => {
    for (const [secrets, byteLength] of [
      [1_000, 64],
      [5, 10_000],
      [100, 2_048],
      [17, 4_096],
    ] as const) {
      const need = needing(secrets, byteLength);
      const facts = lock({ soft: 4_096, hard: 4_096 });
      const kib = Number(
        finding(facts, 'need', need)
          ?.remedies.join()
          .match(/LimitMEMLOCK=(\d+)K/)?.[1],
      );
      expect(diagnose(lock({ soft: kib * 1024 }), need).needMet).toBe(true);
      expect(diagnose(lock({ soft: kib * 1024 - 4_096 }), need).needMet).toBe(false);
    }
  });

  it('counts what the process has locked already', () => {
    const fits = diagnose(small, needing(1)).room[0]?.secrets as number;
    const facts = lock({ soft: 65_536, inUseByteLength: 4_096 });
    expect(diagnose(facts, needing(fits)).needMet).toBe(false);
  });

  it('names the store where secrets fit sealed, and is met by it with --sealed', () => {
    const found = finding(small, 'need', needing(1_000_000));
    expect(found?.remedies.join()).toMatch(/memory\.store\(\)/);
    expect(diagnose(small, needing(1_000_000, 64, true)).needMet).toBe(true);
    expect(diagnose(lock({ soft: 4_096 }), needing(10, 64, true)).needMet).toBe(false);
  });

  it('says that ordinary memory is short where that is so, and not the lock limit', () => {
    const memory = { ...machine().memory, availableByteLength: 1_000_000 };
    const found = finding(machine({ memory }), 'need', needing(1_000_000, 64, true));
    expect(found).toMatchObject({
      level: 'blocked',
      says: expect.stringMatching(/ordinary memory holds about 7,692/),
      remedies: [remedies.OUT_OF_MEMORY_REMEDY],
    });
  });

  it('is not met where no backend locks', () => {
    const facts = machine({ backends: [closedBackend('koffi', 'missing')] });
    expect(diagnose(facts, needing(1)).needMet).toBe(false);
  });
});

it('render() puts what stops first and shows every backend and its room', () => {
  const facts = machine({
    ptraceScope: 0,
    permissionModel: { on: true, addons: false },
    backends: [openBackend('koffi'), closedBackend('napi', 'missing')],
  });
  const text = render(diagnose(facts, NOTHING));
  expect(text.indexOf('STOP')).toBeLessThan(text.indexOf('weak'));
  expect(text).toMatch(/@securemem\/koffi 0\.1\.0: locked, guarded/);
  expect(text).toMatch(/@securemem\/napi: not installed \(npm install @securemem\/napi\)/);
  expect(text).toMatch(/koffi: 209,\d{3} pooled, 40 locked bytes each/);
});

describe('what render() prints', () => {
  const crowded = machine({
    lock: { ...machine().lock, soft: 4_096, hard: 4_096 },
    permissionModel: { on: true, addons: false },
    hibernation: true,
    swapByteLength: 1024 ** 3,
    secretNames: Array.from({ length: 20 }, (_, i) => `SERVICE_${i}_PASSWORD`),
    surroundings: 'shell',
  });
  const need: Need = { secrets: 5_000, byteLength: 32, sealed: false };

  it('N30 has at most 100 columns, and every word of the findings', () => {
    const diagnosis = diagnose(crowded, need);
    const text = render(diagnosis);
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
    const flat = text.replaceAll(/\s+/g, ' ');
    for (const { says } of diagnosis.findings) expect(flat).toContain(says.replaceAll(/\s+/g, ' '));
  });

  it('N30 gives each remedy once', () => {
    const text = render(diagnose(crowded, need)).replaceAll(/\n {10}/g, ' ');
    const lines = text.split('\n').filter((line) => /^ {8}\S/.test(line) && !/as above/.test(line));
    expect(lines.length).toBeGreaterThan(5);
    expect(new Set(lines).size).toBe(lines.length);
    expect(text).toContain('        as above\n');
  });

  it('N30 tells of the store only where it holds more, and of no room in words', () => {
    const roomy = machine({ lock: { ...machine().lock, soft: 'unlimited' } });
    const memory = { ...roomy.memory, totalByteLength: 1024 ** 4, availableByteLength: 1024 ** 4 };
    expect(render(diagnose({ ...roomy, memory }, NOTHING))).toMatch(
      /koffi: [\d,]+ million pooled, 40 locked bytes each\n/,
    );
    const none = render(diagnose(lock({ soft: 0, hard: 0 }), NOTHING));
    expect(none).toMatch(/koffi: none, since not one page can be locked/);
  });
});
