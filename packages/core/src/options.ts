import type { MemoryBackend } from './contract/backend.js';
import { ownOptions } from './contract/own-properties.js';

/** What an allocation does when there is no place. */
export type OnCapacity = 'wait' | 'throw' | 'fallback' | 'abort';
/** What happens, beside the quarantine, when bytes next to a secret were overwritten. */
export type OnCorruption = 'throw' | 'purge' | 'abort';
/** The protection of pages outside any access. */
export type AtRest = 'accessible' | 'read-only' | 'no-access';
/** How many handles are watched for being collected without `dispose()`. */
export type LeakDetection = 'sampled' | 'all' | 'off';

/** Names of receipt fields that can be demanded. */
export const GUARANTEES = [
  'locked',
  'guarded',
  'dumpExcluded',
  'kernelHidden',
  'noAccessAtRest',
  'forkSafe',
] as const;
/** The name of a receipt field that can be demanded. */
export type Guarantee = (typeof GUARANTEES)[number];

/** Everything `createAllocator` takes. Unknown names and bad values are refused with `TypeError` or `RangeError`. */
export interface AllocatorOptions {
  /** Where secrets live. Belongs to the caller, who disposes it after `close()`; one backend for one allocator. */
  readonly backend: MemoryBackend;

  /**
   * Where secrets go when the first backend has no place and the policy is `fallback`: weaker memory, visible in each
   * receipt. Never used otherwise.
   */
  readonly fallback?: MemoryBackend;
  /** Most bytes of regions on the fallback, a positive multiple of its page. Default 64 MiB: a bound, not a target. */
  readonly fallbackByteLengthMax?: number;

  readonly budget?: {
    /**
     * Most bytes of regions at any instant. `'auto'`, the default: the limit in force less the headroom, a quarter of
     * physical memory when there is none, 64 KiB when it cannot be known. A smaller kernel limit holds all the same.
     */
    readonly lockedByteLengthMax?: number | 'auto';
    /** Bytes mapped and locked ahead and kept. Default 0: a program that needs none holds none. */
    readonly lockedByteLengthMin?: number;
    /** Bytes of the kernel's limit left to others in the process. Default 0: nobody else in Node locks memory. */
    readonly headroomByteLength?: number;
    /** Most secrets at a time, 1 to 2^31 - 1. Default 2^31 - 1: bytes run out long before. */
    readonly secretsMax?: number;
    /** Raise the process's lock limit when opening, or throw `ERR_SECMEM_CANNOT_RAISE`. Default false: not ours to touch. */
    readonly raiseLimit?: boolean;
  };

  readonly routing?: {
    /**
     * The largest secret, in bytes, that shares a slab; larger ones get a region of their own. 0 gives each its own.
     * Default 2,048: half a page, above which a slot wastes more than a page of its own. While the budget is below 32 pages the
     * default goes up to a page less 16 bytes: then few pages are shared, and not given to one secret each.
     */
    readonly pooledByteLengthMax?: number;
    /**
     * Largest slab in bytes, a multiple of the page, of which one slab takes at most a 256th of the budget, or one page. Default 1 MiB, and 16 pages where a protection is toggled: toggling
     * costs about 4 µs for 1 page, 8 µs for 16 and 30 µs for 256.
     */
    readonly slabByteLengthMax?: number;
    /**
     * For development: finds whoever works with a view after its access ended. Each secret has pages of its own, which close
     * when its last access ends, not with the turn, and which no other secret gets before the system had them back. A late
     * system call gets `EFAULT`, any other late touch kills the process. Overrules `atRest` and `pooledByteLengthMax`, and
     * takes no fallback. Default false: it costs a page for each secret and two system calls for each access.
     */
    readonly isolateViews?: boolean;
  };

  readonly admission?: {
    /** Most waiting requests, 0 to 1,000,000. Default 10,000: more is an overload that should be told to the client. */
    readonly queueLengthMax?: number;
    /** Longest wait in milliseconds, 0 to 2^31 - 1. Default 30,000. The timer keeps the process alive. */
    readonly waitMsMax?: number;
  };

  readonly sealing?: {
    /**
     * A new sealing key is made after this many seals, 1 to 2^32. Default 2^20: nonces are counted and never repeat, so this
     * only bounds what one key protects; a key costs 32 bytes of each of its pages while something sealed needs it.
     */
    readonly sealsPerKeyMax?: number;
    /**
     * Close the pages of the sealing key between calls, beside keeping it as two shares. Default: where `atRest` closes those of
     * secrets. Costs four changes of protection for each seal and open.
     */
    readonly closeKeyPages?: boolean;
  };

  /** Default `'wait'`, which waits for capacity errors only; in a synchronous call it acts as `'throw'`. */
  readonly onCapacity?: OnCapacity;
  /** Default `'throw'`. */
  readonly onCorruption?: OnCorruption;
  /**
   * Default `'accessible'`: locked, hidden from dumps and guarded, at no cost per access. `'read-only'` makes a stray
   * write kill the process, `'no-access'` a stray read too.
   */
  readonly atRest?: AtRest;
  /** Default `'sampled'`: every 256th handle, at no measurable cost. `'all'` adds the stack of creation. */
  readonly leakDetection?: LeakDetection;
  /**
   * Empty regions go back to the system after this many milliseconds, 2 to 2^31 - 1; at once while the kernel refuses regions that the
   * budget has room for. Default 1,000.
   */
  readonly idleMs?: number;
  /** What every secret must have. Checked when opening and for each secret. Default none. */
  readonly require?: readonly Guarantee[];
  /** Most views that may live though they were closed, 0 to 2^20; past it accesses lend copies. Default 64: each is a bug in somebody's code. */
  readonly quarantineMax?: number;
  /** Wipe at exit, and on SIGINT, SIGTERM and SIGHUP where the program does not listen itself. Default true. */
  readonly exitHooks?: boolean;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly backend: MemoryBackend;
  readonly fallback: MemoryBackend | undefined;
  readonly fallbackByteLengthMax: number;
  readonly lockedByteLengthMax: number | 'auto';
  readonly lockedByteLengthMin: number;
  readonly headroomByteLength: number;
  readonly secretsMax: number;
  readonly raiseLimit: boolean;
  readonly pooledByteLengthMax: number;
  /** Under a tight limit what is longer shares pages too. */
  readonly sharesWhenTight: boolean;
  readonly slabByteLengthMax: number;
  readonly isolateViews: boolean;
  readonly queueLengthMax: number;
  readonly waitMsMax: number;
  readonly sealsPerKeyMax: number;
  readonly closeKeyPages: boolean;
  readonly onCapacity: OnCapacity;
  readonly onCorruption: OnCorruption;
  readonly atRest: AtRest;
  readonly leakDetection: LeakDetection;
  readonly idleMs: number;
  readonly require: readonly Guarantee[];
  readonly quarantineMax: number;
  readonly exitHooks: boolean;
}

/** The defaults of `routing`, in bytes. */
export const POOLED_BYTE_LENGTH_MAX = 2_048;
export const SLAB_BYTE_LENGTH_MAX = 1_048_576;

/** The longest delay of a Node timer; a longer one fires at once. */
export const TIMER_MS_MAX = 2_147_483_647;
/** The most of anything that is counted. */
export const COUNT_MAX = 2_147_483_647;
/**
 * The most seals under one key. NIST SP 800-38D, 8.3, allows 2^32 for an implementation whose nonces might be random; ours
 * are counted, and stay within it all the same.
 */
export const SEALS_PER_KEY_MAX = 4_294_967_296;
/** Largest secret and largest slab, in bytes: half of what one ArrayBuffer surely holds, and a small integer to V8. */
export const REGION_BYTE_LENGTH_MAX = 1_073_741_824;

const BUDGET = [
  'lockedByteLengthMax',
  'lockedByteLengthMin',
  'headroomByteLength',
  'secretsMax',
  'raiseLimit',
] as const;
const ROUTING = ['pooledByteLengthMax', 'slabByteLengthMax', 'isolateViews'] as const;
const ADMISSION = ['queueLengthMax', 'waitMsMax'] as const;
const SEALING = ['sealsPerKeyMax', 'closeKeyPages'] as const;
const NAMES = [
  'backend',
  'fallback',
  'fallbackByteLengthMax',
  'budget',
  'routing',
  'admission',
  'sealing',
  'onCapacity',
  'onCorruption',
  'atRest',
  'leakDetection',
  'idleMs',
  'require',
  'quarantineMax',
  'exitHooks',
] as const;

/**
 * The options as their caller wrote them, groups included: nothing of a prototype. Throws `TypeError` for unknown names.
 */
export function takeOptions(given: AllocatorOptions): AllocatorOptions {
  const own = ownOptions(given, NAMES, 'options') as AllocatorOptions;
  return Object.assign(own, {
    budget: ownOptions(own.budget, BUDGET, 'budget'),
    routing: ownOptions(own.routing, ROUTING, 'routing'),
    admission: ownOptions(own.admission, ADMISSION, 'admission'),
    sealing: ownOptions(own.sealing, SEALING, 'sealing'),
  });
}

/**
 * Checks every value and fills in the defaults. Takes what `takeOptions` gave. Throws `TypeError` or `RangeError` that
 * names the option.
 */
export function resolveOptions(options: AllocatorOptions): ResolvedOptions {
  const { backend, fallback, budget = {}, admission = {}, sealing = {} } = options;
  const page = backend.pageByteLength;
  const placing = resolveRouting(options, page);
  const onCapacity = oneOf('onCapacity', options.onCapacity, [
    'wait',
    'throw',
    'fallback',
    'abort',
  ]);
  if (onCapacity === 'fallback' && fallback === undefined) {
    throw new TypeError("onCapacity 'fallback' needs a backend to fall back to: set `fallback`");
  }
  if (fallback === undefined && options.fallbackByteLengthMax !== undefined) {
    throw new TypeError('fallbackByteLengthMax without `fallback` has no meaning');
  }
  return {
    ...placing,
    backend,
    fallback,
    fallbackByteLengthMax: integer(
      'fallbackByteLengthMax',
      options.fallbackByteLengthMax ?? 67_108_864,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    lockedByteLengthMax:
      budget.lockedByteLengthMax === undefined || budget.lockedByteLengthMax === 'auto'
        ? 'auto'
        : integer('budget.lockedByteLengthMax', budget.lockedByteLengthMax, 0),
    lockedByteLengthMin: integer('budget.lockedByteLengthMin', budget.lockedByteLengthMin ?? 0, 0),
    headroomByteLength: integer('budget.headroomByteLength', budget.headroomByteLength ?? 0, 0),
    secretsMax: integer('budget.secretsMax', budget.secretsMax ?? COUNT_MAX, 1, COUNT_MAX),
    raiseLimit: boolean('budget.raiseLimit', budget.raiseLimit ?? false),
    queueLengthMax: integer(
      'admission.queueLengthMax',
      admission.queueLengthMax ?? 10_000,
      0,
      1_000_000,
    ),
    waitMsMax: integer('admission.waitMsMax', admission.waitMsMax ?? 30_000, 0, TIMER_MS_MAX),
    sealsPerKeyMax: integer(
      'sealing.sealsPerKeyMax',
      sealing.sealsPerKeyMax ?? 1_048_576,
      1,
      SEALS_PER_KEY_MAX,
    ),
    closeKeyPages: boolean(
      'sealing.closeKeyPages',
      sealing.closeKeyPages ?? placing.atRest !== 'accessible',
    ),
    onCapacity,
    onCorruption: oneOf('onCorruption', options.onCorruption, ['throw', 'purge', 'abort']),
    leakDetection: oneOf('leakDetection', options.leakDetection, ['sampled', 'all', 'off']),
    idleMs: integer('idleMs', options.idleMs ?? 1_000, 2, TIMER_MS_MAX),
    require: checkGuarantees(options.require ?? []),
    quarantineMax: integer('quarantineMax', options.quarantineMax ?? 64, 0, 1_048_576),
    exitHooks: boolean('exitHooks', options.exitHooks ?? true),
  };
}

type Placing = Pick<
  ResolvedOptions,
  'atRest' | 'pooledByteLengthMax' | 'sharesWhenTight' | 'slabByteLengthMax' | 'isolateViews'
>;

/** Where secrets lie, and how their pages are closed. */
function resolveRouting(
  { atRest: asked, fallback, routing = {} }: AllocatorOptions,
  page: number,
): Placing {
  const isolateViews = boolean('routing.isolateViews', routing.isolateViews ?? false);
  if (isolateViews && fallback !== undefined) {
    throw new TypeError('routing.isolateViews takes no `fallback`, whose memory stays open');
  }
  const atRest = oneOf('atRest', asked, ['accessible', 'read-only', 'no-access']);
  const slabDefault = atRest === 'accessible' ? Math.max(SLAB_BYTE_LENGTH_MAX, page) : 16 * page;
  const slabByteLengthMax = integer(
    'routing.slabByteLengthMax',
    routing.slabByteLengthMax ?? slabDefault,
    page,
    REGION_BYTE_LENGTH_MAX,
    page,
  );
  const pooledByteLengthMax = integer(
    'routing.pooledByteLengthMax',
    routing.pooledByteLengthMax ?? Math.min(POOLED_BYTE_LENGTH_MAX, slabByteLengthMax - 16),
    0,
    slabByteLengthMax - 16,
  );
  return {
    atRest: isolateViews ? 'no-access' : atRest,
    pooledByteLengthMax: isolateViews ? 0 : pooledByteLengthMax,
    sharesWhenTight: routing.pooledByteLengthMax === undefined && !isolateViews,
    slabByteLengthMax,
    isolateViews,
  };
}

/** An integer within bounds and a multiple of `multipleOf`, or a `TypeError` or `RangeError` that names `name`. */
export function integer(
  name: string,
  value: unknown,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
  multipleOf = 1,
): number {
  if (typeof value !== 'number') throw new TypeError(`${name} must be a number`);
  if (!Number.isSafeInteger(value) || value < min || value > max || value % multipleOf !== 0) {
    const step = multipleOf === 1 ? '' : ` and a multiple of ${multipleOf}`;
    throw new RangeError(`${name} must be an integer from ${min} to ${max}${step}; it is ${value}`);
  }
  return value;
}

/** One of `values`, of which the first is the default. */
export function oneOf<const T extends string>(
  name: string,
  value: unknown,
  values: readonly [T, ...T[]],
): T {
  if (value === undefined) return values[0];
  if (values.includes(value as T)) return value as T;
  throw new TypeError(`${name} must be one of ${values.map((v) => `'${v}'`).join(', ')}`);
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false`);
  return value;
}

function checkGuarantees(names: readonly Guarantee[]): readonly Guarantee[] {
  if (!Array.isArray(names)) throw new TypeError('require must be an array of names');
  for (const name of names) {
    if (!GUARANTEES.includes(name)) {
      throw new TypeError(`require: unknown guarantee; known are ${GUARANTEES.join(', ')}`);
    }
  }
  return [...names];
}
