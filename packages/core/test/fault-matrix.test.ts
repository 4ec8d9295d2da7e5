import { afterAll, describe, expect, it } from 'vitest';
import type { BackendCapabilities } from '../src/contract/index.js';
import { type AtRest, createAllocator, isSecureMemoryError } from '../src/index.js';
import { KEY_BYTE_LENGTH } from '../src/sealing/cipher.js';
import {
  createFakeKernel,
  type FakeKernel,
  type FaultyBackend,
  fakeBackend,
  faultyBackend,
} from '../src/testing/index.js';
import {
  type Act,
  MARK,
  SCENES,
  type Scene,
  SEALS_PER_KEY,
  THROWN_BY_PHASE,
} from './fault-scenes.js';
import { turn } from './fixture.js';

/**
 * Each contract call fails at each position of each thing a program does; afterwards nothing may be mapped, locked, queued,
 * counted or readable that should not be. The table is printed at the end, so that a gap shows.
 */
const OPERATIONS = [
  'lockLimit',
  'map',
  'protect',
  'wipe',
  'read',
  'write',
  'openView',
  'inspect',
  'unmap',
  'seal',
  'unseal',
] as const;
type Operation = (typeof OPERATIONS)[number] | 'escaped' | 'stuck';
/** Views do not throw when they are closed: they say what became of them. */
const OUTCOMES = ['escaped', 'stuck'] as const;

/** Failures at later calls than this are not looked at: the calls repeat themselves by then. */
const POSITIONS = 12;

type Mode = readonly [
  bytes: 'views' | 'copies' | 'node:crypto',
  atRest: AtRest,
  capabilities: Partial<BackendCapabilities>,
];
const MODES: readonly Mode[] = [
  ['views', 'accessible', {}],
  ['views', 'no-access', {}],
  ['copies', 'accessible', { views: 'none' }],
  ['copies', 'no-access', { views: 'none' }],
  ['node:crypto', 'read-only', { cipher: 'none' }],
];

interface Stage {
  readonly act: Act;
  readonly kernel: FakeKernel;
  readonly backend: FaultyBackend;
}

const table: Record<string, Record<string, string>> = {};

afterAll(() => {
  console.table(table);
  const rows = Object.values(table);
  // A call that failed nowhere, or a scene in which nothing failed, would prove nothing.
  for (const operation of [...OPERATIONS, ...OUTCOMES]) {
    expect(rows.some((cells) => (cells[operation] ?? '-') !== '-')).toBe(true);
  }
});

describe.each(MODES)('A9 fault matrix, %s, %s at rest', (...mode) => {
  const [bytes, atRest] = mode;
  const operations: readonly Operation[] =
    bytes === 'copies' ? OPERATIONS : [...OPERATIONS, ...OUTCOMES];

  it.each(SCENES)('$name survives each call failing at each position', async (scene) => {
    const cells: Record<string, string> = {};
    for (const operation of operations) {
      let failed = 0;
      while (failed < POSITIONS && (await survives(mode, scene, operation, failed + 1))) failed++;
      cells[operation] = failed === 0 ? '-' : `${failed} clean`;
    }
    table[`${scene.name}, ${bytes}, ${atRest}`] = cells;
  });
});

describe('the fault matrix', () => {
  it.each<[string, Scene['run']]>([
    ['a secret that was forgotten', ({ memory }) => void memory.allocateSync(64)],
    ['a lease that was forgotten', ({ memory }) => void memory.allocateSync(64).lend()],
    ['a waiter that was forgotten', waitsBehindItself],
    ['a sealed secret that was forgotten', ({ memory }) => sealsTwice(memory)],
  ])('A9 control: sees %s', async (_, run) => {
    const scene = { name: 'forgetful', run };
    await expect(survives(MODES[0] as Mode, scene, 'inspect', 1)).rejects.toThrow(/expected/);
  });

  /** Asks for all there is while holding a part of it. */
  function waitsBehindItself({ memory, secrets }: Act): void {
    secrets.push(memory.allocateSync(64));
    memory.allocate(16 * 4096).catch(() => {});
  }

  /** One key more than there may be when everything was given back. */
  function sealsTwice(memory: Act['memory']): void {
    for (let i = 0; i <= SEALS_PER_KEY; i++) memory.allocateSync(64).seal();
  }
});

/** False when the call was not made so often, and the failure never happened. */
async function survives(
  mode: Mode,
  scene: Scene,
  operation: Operation,
  on: number,
): Promise<boolean> {
  const isOutcome = operation === 'escaped' || operation === 'stuck';
  const stage = open(mode, isOutcome);
  const { act, backend } = stage;
  scene.before?.(act);
  await Promise.resolve();
  const counted = isOutcome ? 'closeView' : operation;
  const calls = backend.calls(counted);
  if (isOutcome) backend.failViewClose({ on, outcome: operation });
  else backend.fail(operation, { on });
  await outcomeOf(scene, act);
  await turn();
  const happened = backend.calls(counted) >= calls + on;
  backend.heal();
  const what = `${operation} ${on}`;
  if (act.memory.stats().state === 'open') {
    usable(act);
    ended(act, what);
  }
  noticeReleasedAliases(stage);
  act.memory.purge();
  if (act.memory.stats().state === 'open') await act.memory.close();
  nothingLeft(stage, scene, operation, what);
  return happened;
}

function open([, atRest, capabilities]: Mode, ownViewsEndWell: boolean): Stage {
  const kernel = createFakeKernel();
  const backend = faultyBackend(fakeBackend({ kernel, capabilities }));
  if (ownViewsEndWell) passOwnViewsBy(backend, kernel);
  const memory = createAllocator({
    backend,
    atRest,
    exitHooks: false,
    admission: { waitMsMax: 10_000 },
    sealing: { sealsPerKeyMax: SEALS_PER_KEY },
  });
  return { act: { memory, secrets: [], sealed: [] }, kernel, backend };
}

/** Runs the scene; only errors that say what happened may come out of it. */
async function outcomeOf(scene: Scene, act: Act): Promise<void> {
  try {
    await scene.run(act);
  } catch (error) {
    if (error === THROWN_BY_PHASE) return;
    if (!isSecureMemoryError(error)) throw error;
  }
}

/** Views over a whole region and over a key are core's own. Nobody else ever has them, so they are always given back. */
function passOwnViewsBy(backend: FaultyBackend, kernel: FakeKernel): void {
  const openView = backend.openView.bind(backend);
  backend.openView = (region, byteOffset, byteLength) => {
    const whole = kernel.find(region)?.byteLength === byteLength;
    const isOwn = whole || byteLength === KEY_BYTE_LENGTH;
    return (isOwn ? backend.inner : { openView }).openView(region, byteOffset, byteLength);
  };
}

/** Whoever held what had escaped is gone, and whoever finds no room looks for that. */
function noticeReleasedAliases({ act, backend }: Stage): void {
  backend.releaseAliases();
  if (act.memory.stats().state === 'open') {
    expect(() => act.memory.allocateSync(1_000_000)).toThrow(/ulimit/);
  }
}

/** The next one gets a place that reads zero, and nobody waits or counts who is not there. */
function usable({ memory, secrets }: Act): void {
  const live = secrets.filter((secret) => !secret.disposed).length;
  expect(memory.stats()).toMatchObject({
    secrets: live,
    openAccesses: 0,
    admission: { waiting: 0 },
  });
  const next = memory.allocateSync(64);
  expect(next.read((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  next.dispose();
  for (const secret of secrets) {
    if (!secret.disposed) secret.read((bytes) => expect(bytes).toHaveLength(secret.byteLength));
  }
}

/** Every handle is given back: then nothing is counted any more, and no key is kept but the newest. */
function ended({ memory, secrets, sealed }: Act, what: string): void {
  for (const secret of secrets) secret.dispose();
  for (const each of sealed) each.dispose();
  const { primary, sealing, secrets: count } = memory.stats();
  expect(count, what).toBe(0);
  expect(primary.routes, what).toEqual({
    pooled: { secrets: 0, byteLength: 0 },
    own: { secrets: 0, byteLength: 0 },
  });
  expect(
    primary.slabs.map(({ live }) => live).filter((live) => live > 0),
    what,
  ).toEqual([]);
  expect(sealing.keys, what).toBeLessThanOrEqual(1);
}

function nothingLeft(
  { act, kernel }: Stage,
  scene: Scene,
  operation: Operation,
  what: string,
): void {
  expect(act.memory.stats(), what).toMatchObject({
    secrets: 0,
    openAccesses: 0,
    admission: { waiting: 0 },
    sealing: { keys: 0 },
  });
  const readable = kernel.regionIds.filter((id) => {
    const { byteLength } = kernel.find(id) as { byteLength: number };
    return kernel.peek(id, 0, byteLength).includes(MARK);
  });
  expect(readable, `${what}: readable bytes`).toEqual([]);
  // A close that the system refused leaves what it refused, wiped; it is not tried again.
  if (!(scene.name === 'close' && operation === 'unmap')) {
    expect(kernel.regionCount, `${what}: regions`).toBe(0);
    expect(kernel.lockedByteLength, `${what}: locked`).toBe(0);
  }
  expect(kernel.violations, what).toEqual([]);
}
