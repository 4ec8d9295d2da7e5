import type { ForkBehaviour, LockLimit, MemoryBackend, RegionId } from '@securemem/core/contract';
import { scratch } from '../bytes.js';
import { childUrl } from '../child-url.js';
import { expect } from '../expectation.js';
import { levelsOf } from '../levels.js';
import type {
  Confinement,
  Counts,
  Evidence,
  ObservedFacts,
  Place,
  RefusedCall,
  TamperAnswers,
  Touch,
  VariableFound,
} from './evidence.js';
import { Marker } from './marker.js';
import type { SimulatedKernel } from './simulated-kernel.js';

const REFUSABLE: readonly RefusedCall[] = ['mlock', 'madvise', 'mprotect', 'munmap'];

interface TaskModule {
  readonly tasks: Readonly<
    Record<string, (open: () => MemoryBackend, parameters: object, tools: object) => unknown>
  >;
}

/**
 * Evidence from a simulated kernel: what a backend on `createFakeKernel()` really did, without asking the backend.
 *
 * @param open opens a backend on this kernel, as the suite's own `open` does.
 */
export function fakeEvidence(kernel: SimulatedKernel, open: () => MemoryBackend): Evidence {
  return new FakeEvidence(kernel, open);
}

class FakeEvidence implements Evidence {
  readonly name = 'simulated kernel';
  readonly #kernel: SimulatedKernel;
  readonly #open: () => MemoryBackend;

  constructor(kernel: SimulatedKernel, open: () => MemoryBackend) {
    this.#kernel = kernel;
    this.#open = open;
  }

  begin(): Promise<void> {
    return Promise.resolve();
  }

  async counts(): Promise<Counts> {
    return this.#counts();
  }

  async locate(backend: MemoryBackend, region: RegionId, byteLength: number): Promise<Place> {
    const marker = new Marker();
    const all = this.#kernel.regionIds.map((id) => [id, this.#kernel.find(id)?.facts] as const);
    const untouched = new Map(all.map(([id, facts]) => [id, { mapped: true, ...facts }]));
    marker.lend((bytes) => backend.write(region, 0, bytes));
    const handle = this.#kernel.regionIds.find((id) =>
      marker.matches(this.#kernel.peek(id, 0, marker.byteLength)),
    );
    backend.write(region, 0, scratch(marker.byteLength));
    expect(handle !== undefined, 'what was written into a region is nowhere in memory');
    return { byteLength, handle, untouched: { ...GONE, ...untouched.get(handle) } };
  }

  async facts({ handle, byteLength }: Place): Promise<ObservedFacts> {
    const region = this.#kernel.find(handle as RegionId);
    if (region === undefined) return GONE;
    return { mapped: region.byteLength === byteLength, ...region.facts };
  }

  async content(
    { handle }: Place,
    byteOffset: number,
    byteLength: number,
  ): Promise<Uint8Array | 'unreadable'> {
    const region = handle as RegionId;
    if (this.#kernel.find(region)?.facts.kernelHidden === true) return 'unreadable';
    return this.#kernel.peek(region, byteOffset, byteLength);
  }

  async copies(marker: Marker): Promise<number> {
    let copies = 0;
    marker.lend((needle) => {
      for (const id of this.#kernel.regionIds) {
        const region = this.#kernel.peek(id, 0, this.#kernel.find(id)?.byteLength ?? 0);
        const bytes = Buffer.from(region.buffer);
        for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) {
          copies += 1;
        }
      }
    });
    return copies;
  }

  /** A simulated kernel has no addresses that anybody could tell. */
  async isInside(): Promise<boolean> {
    return false;
  }

  async touch({ pages, protection, offset, access }: Touch): Promise<'dies' | 'survives'> {
    return this.#withRegion(pages, (backend, region, handle) => {
      if (protection !== 'read-write') backend.protect(region, protection);
      const at = offset.pages * this.#kernel.pageByteLength + offset.bytes;
      return this.#kernel.touch(handle, at, access);
    });
  }

  async coreHolds(): Promise<boolean> {
    return this.#withRegion(4, (backend, region, handle) => {
      const levels = levelsOf(backend.capabilities);
      return [undefined, ...levels, 'read-write' as const].some((level) => {
        if (level !== undefined) backend.protect(region, level);
        return this.#kernel.find(handle)?.facts.dumpExcluded !== true;
      });
    });
  }

  async forkedView(): Promise<readonly ForkBehaviour[]> {
    return this.#withRegion(1, (backend, region, handle) => {
      const found = () => this.#kernel.find(handle)?.facts.forkBehaviour ?? 'absent';
      const first = found();
      for (const level of [...levelsOf(backend.capabilities), 'read-write'] as const) {
        backend.protect(region, level);
      }
      return [first, found()];
    });
  }

  async tamper(): Promise<TamperAnswers> {
    return this.#withRegion(2, (backend, region, handle) => {
      const after = (facts: Parameters<SimulatedKernel['tamper']>[1]) => {
        this.#kernel.tamper(handle, facts);
        return backend.inspect([region])[0];
      };
      const { kernelHidden, guardPages, dumpExclusion, forkBehaviour } = backend.capabilities;
      const { pageByteLength } = backend;
      return {
        before: after({}),
        ...(kernelHidden ? {} : { unlockedLastPage: after({ lockedByteLength: pageByteLength }) }),
        ...(kernelHidden ? {} : { unlocked: after({ lockedByteLength: 0 }) }),
        ...(dumpExclusion ? { inDumps: after({ dumpExcluded: false }) } : {}),
        ...(forkBehaviour === 'absent'
          ? { inChildren: after({ forkBehaviour: 'inherited' }) }
          : {}),
        ...(guardPages ? { unguarded: after({ guardAfter: false }) } : {}),
        closed: after({ protection: 'no-access' }),
      };
    });
  }

  async opening(): Promise<readonly string[]> {
    const { lockLimit, hardLockLimit } = this.#kernel;
    const before = JSON.stringify([lockLimit, hardLockLimit]);
    this.#open()[Symbol.dispose]();
    const after = JSON.stringify([this.#kernel.lockLimit, this.#kernel.hardLockLimit]);
    return before === after ? [] : ['Max locked memory'];
  }

  async terminateThread(): Promise<{ readonly during: number; readonly after: number }> {
    const backend = this.#open();
    const marker = new Marker();
    const region = backend.map(backend.pageByteLength);
    marker.lend((bytes) => backend.write(region, 0, bytes));
    const during = await this.copies(marker);
    this.#kernel.endThread();
    const after = await this.copies(marker);
    backend[Symbol.dispose]();
    return { during, after };
  }

  async takeVariable(): Promise<VariableFound> {
    const { environment } = this.#kernel;
    const [name, value] = ['SECUREMEM_CONFORMANCE', 'a secret that nobody keeps'];
    environment.set(name, value, value);
    environment.set(`${name}_2`, 'kept');
    environment.set(`THE_${name}`, 'kept');
    const count = () => [...environment.all()].filter((bytes) => textOf(bytes) === value).length;
    return this.#withRegion(1, (backend, region, handle) => {
      const before = count();
      const byteLengthBefore = backend.environmentByteLength(name);
      const target = { region, byteOffset: 8, byteLength: value.length };
      const { places } = backend.takeEnvironment(name, target);
      const after = count();
      return {
        before,
        after,
        inRegion: textOf(this.#kernel.peek(handle, 8, value.length)) === value,
        shown: after > 0,
        byteLengthBefore,
        byteLengthAfter: backend.environmentByteLength(name),
        neighboursKept: [`${name}_2`, `THE_${name}`].every(
          (other) => textOf(environment.first(other)) === 'kept',
        ),
        places,
      };
    });
  }

  async task<Result>(name: string, parameters: object, confinement?: Confinement): Promise<Result> {
    const { tasks } = (await import(childUrl('tasks').href)) as TaskModule;
    const { lockLimit, hardLockLimit } = this.#kernel;
    if (confinement !== undefined) {
      this.#kernel.setLockLimit(
        bytes(confinement.softByteLength),
        bytes(confinement.hardByteLength),
      );
    }
    const opened: MemoryBackend[] = [];
    const open = (): MemoryBackend => {
      const backend = this.#open();
      opened.push(backend);
      return backend;
    };
    try {
      return tasks[name]?.(open, parameters, {
        counts: () => this.#counts(),
        looksLikeAddress: () => false,
        setLockLimit: (byteLength: number) => this.#kernel.setLockLimit(bytes(byteLength)),
        refuse: (call: RefusedCall) => this.#kernel.refuse(call),
        setVariable: (name: string, value: string) => this.#kernel.environment.set(name, value),
      }) as Result;
    } finally {
      for (const call of REFUSABLE) this.#kernel.allow(call);
      this.#kernel.setLockLimit(lockLimit, hardLockLimit);
      for (const backend of opened) backend[Symbol.dispose]();
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #counts(): Counts {
    const { lockedByteLength, mappings } = this.#kernel;
    return { lockedByteLength, mappings, descriptors: 0 };
  }

  /** A fresh backend with one region, both gone afterwards. */
  #withRegion<Result>(
    pages: number,
    use: (backend: MemoryBackend, region: RegionId, handle: RegionId) => Result,
  ): Result {
    const backend = this.#open();
    try {
      const known = new Set(this.#kernel.regionIds);
      const region = backend.map(pages * backend.pageByteLength);
      const handle = this.#kernel.regionIds.find((id) => !known.has(id)) ?? region;
      return use(backend, region, handle);
    } finally {
      backend[Symbol.dispose]();
    }
  }
}

const GONE: ObservedFacts = {
  mapped: false,
  lockedByteLength: 0,
  protection: 'mixed',
  guardBefore: false,
  guardAfter: false,
  dumpExcluded: false,
  forkBehaviour: 'absent',
};

function bytes(byteLength: number): LockLimit {
  return { kind: 'bytes', byteLength };
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
}
