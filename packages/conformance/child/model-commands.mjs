import fc from 'fast-check';

/**
 * The commands of the model, one per operation, each with what must be true after it.
 *
 * @typedef {import('@securemem/core/contract').MemoryBackend} MemoryBackend
 * @typedef {import('@securemem/core/contract').RegionId} RegionId
 * @typedef {import('@securemem/core/contract').Protection} Protection
 * @typedef {import('@securemem/core/contract').View} View
 * @typedef {{ id: RegionId, bytes: Uint8Array, protection: Protection, views: { view: View, offset: number, length: number }[] }} ModelRegion
 * @typedef {{ regions: ModelRegion[], stale: RegionId[], seen: Set<RegionId> }} Model
 * @typedef {{ backend: MemoryBackend }} Real
 */

/** Codes with which map may fail under a limit. */
const capacityCodes = ['ERR_SECMEM_LOCK_LIMIT', 'ERR_SECMEM_MAP_LIMIT', 'ERR_SECMEM_OUT_OF_MEMORY'];
const strength = { none: 0, 'read-write': 0, 'read-only': 1, 'no-access': 2 };
const viewsPerRegionMax = 4;

/** @param {boolean} condition @param {string} message @returns {asserts condition} */
export function check(condition, message) {
  if (!condition) throw new Error(message);
}

/** @param {() => unknown} run @returns {any} */
function thrownBy(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** @param {Model} model @param {number} pick */
function pickRegion(model, pick) {
  const region = model.regions[pick % model.regions.length];
  check(region !== undefined, 'the model has no region');
  return region;
}

/** Everything that the backend holds is what the model holds. @param {Model} model @param {Real} real */
function compare(model, { backend }) {
  for (const region of model.regions) {
    const actual = new Uint8Array(new ArrayBuffer(region.bytes.length));
    backend.read(region.id, 0, actual);
    const at = firstDifference(actual, region.bytes);
    check(at === -1, `byte ${at} of a region is ${actual[at]} and should be ${region.bytes[at]}`);
    if (region.protection === 'read-write') compareViews(region);
  }
}

/** @param {Uint8Array} actual @param {Uint8Array} expected */
function firstDifference(actual, expected) {
  if (Buffer.compare(actual, expected) === 0) return -1;
  return actual.findIndex((byte, index) => byte !== expected[index]);
}

/** Every open view shows its part of the region. @param {ModelRegion} region */
function compareViews(region) {
  for (const { view, offset, length } of region.views) {
    check(view.bytes.length === length, `a view of ${length} bytes has ${view.bytes.length}`);
    const at = firstDifference(view.bytes, region.bytes.subarray(offset, offset + length));
    check(at === -1, `byte ${at} of a view differs from byte ${offset + at} of its region`);
  }
}

/**
 * One kind of command. @param {string} name @param {(model: Model) => boolean} possible
 * @param {(model: Model, real: Real) => void} run
 */
function command(name, possible, run) {
  return {
    check: possible,
    /** @param {Model} model @param {Real} real */
    run(model, real) {
      run(model, real);
      compare(model, real);
    },
    toString: () => name,
  };
}

/** @param {Model} model */
const hasRegion = (model) => model.regions.length > 0;

/** Maps, or fails as a limit makes it fail. @param {Model} model @param {Real} real @param {number} pages */
export function mapPages(model, real, pages) {
  const byteLength = pages * real.backend.pageByteLength;
  const before = real.backend.lockedByteLength();
  /** @type {RegionId | undefined} */
  let id;
  const error = thrownBy(() => {
    id = real.backend.map(byteLength);
  });
  if (id === undefined) {
    check(capacityCodes.includes(String(error?.code)), `map failed with ${String(error)}`);
    check(real.backend.lockedByteLength() === before, 'a failed map changed what is locked');
    return;
  }
  check(!model.seen.has(id), 'map gave an id for the second time');
  model.seen.add(id);
  const bytes = new Uint8Array(new ArrayBuffer(byteLength));
  model.regions.push({ id, bytes, protection: 'read-write', views: [] });
  compare(model, real);
  // Full of bytes from the start, or a wipe that is too short would show only by chance.
  for (let index = 0; index < byteLength; index += 1) {
    bytes[index] = 1 + ((index + 7 * model.seen.size) % 255);
  }
  real.backend.write(id, 0, bytes);
}

/** @param {MemoryBackend} backend */
export function commandsFor(backend) {
  const page = backend.pageByteLength;
  const pick = fc.nat(1000);
  const offset = fc.nat(page - 1);
  const content = fc.uint8Array({ minLength: 0, maxLength: 200 });
  const all = [
    fc.integer({ min: 1, max: 6 }).map((pages) =>
      command(
        `map(${pages} pages)`,
        (model) => model.regions.length < 12,
        (model, real) => mapPages(model, real, pages),
      ),
    ),
    fc.tuple(pick, offset, content).map(([which, at, bytes]) =>
      command(`write(${which}, ${at}, ${bytes.length} bytes)`, hasRegion, (model, real) => {
        const region = pickRegion(model, which);
        const source = new Uint8Array(new ArrayBuffer(bytes.length));
        source.set(bytes);
        const fits = at + bytes.length <= region.bytes.length;
        const error = thrownBy(() => real.backend.write(region.id, at, source));
        check(
          fits === (error === undefined),
          `write of ${bytes.length} at ${at}: ${String(error)}`,
        );
        if (fits) region.bytes.set(bytes, at);
      }),
    ),
    fc.tuple(pick, offset, fc.nat(2 * page)).map(([which, at, length]) =>
      command(`wipe(${which}, ${at}, ${length})`, hasRegion, (model, real) => {
        const region = pickRegion(model, which);
        const fits = at + length <= region.bytes.length;
        const error = thrownBy(() => real.backend.wipe(region.id, at, length));
        check(fits === (error === undefined), `wipe of ${length} at ${at}: ${String(error)}`);
        if (fits) region.bytes.fill(0, at, at + length);
      }),
    ),
    ...stateCommands(),
  ];
  return backend.capabilities.views === 'revocable' ? [...all, ...viewCommands(page)] : all;
}

/** Commands that change what a region is, not what it holds. */
function stateCommands() {
  const pick = fc.nat(1000);
  return [
    fc.tuple(pick, fc.constantFrom('no-access', 'read-only', 'read-write')).map(([which, level]) =>
      command(`protect(${which}, ${level})`, hasRegion, (model, real) => {
        const region = pickRegion(model, which);
        // Closing the views first is the caller's duty.
        if (level !== 'read-write') closeViews(region);
        const possible =
          strength[/** @type {Protection} */ (level)] <=
          strength[real.backend.capabilities.protection];
        const error = thrownBy(() =>
          real.backend.protect(region.id, /** @type {Protection} */ (level)),
        );
        check(possible === (error === undefined), `protect(${level}): ${String(error)}`);
        if (possible) region.protection = /** @type {Protection} */ (level);
      }),
    ),
    pick.map((which) =>
      command(`unmap(${which})`, hasRegion, (model, real) => {
        const region = pickRegion(model, which);
        closeViews(region);
        real.backend.unmap(region.id);
        model.regions = model.regions.filter((other) => other !== region);
        model.stale.push(region.id);
      }),
    ),
    fc
      .tuple(pick, fc.constantFrom('read', 'write', 'wipe', 'protect', 'unmap'))
      .map(([which, method]) =>
        command(
          `${method}(stale ${which})`,
          (model) => model.stale.length > 0,
          (model, real) => {
            const id = /** @type {RegionId} */ (model.stale[which % model.stale.length]);
            const error = thrownBy(() => callStale(real.backend, method, id));
            check(
              error?.code === 'ERR_SECMEM_DISPOSED',
              `${method} of a stale id: ${String(error)}`,
            );
          },
        ),
      ),
  ];
}

/** @param {number} page */
function viewCommands(page) {
  const pick = fc.nat(1000);
  return [
    fc.tuple(pick, fc.nat(page - 1), fc.integer({ min: 1, max: page })).map(([which, at, length]) =>
      command(`openView(${which}, ${at}, ${length})`, hasOpenRegion, (model, real) => {
        const region = pickOpen(model, which);
        if (at + length > region.bytes.length || region.views.length >= viewsPerRegionMax) return;
        region.views.push({
          view: real.backend.openView(region.id, at, length),
          offset: at,
          length,
        });
      }),
    ),
    fc.tuple(pick, fc.nat(page), fc.nat(255)).map(([which, at, value]) =>
      command(`view[${which}][${at}] = ${value}`, hasOpenRegion, (model) => {
        const region = pickOpen(model, which);
        const found = region.views[which % Math.max(1, region.views.length)];
        if (found === undefined || at >= found.view.bytes.length) return;
        found.view.bytes[at] = value;
        region.bytes[found.offset + at] = value;
      }),
    ),
    pick.map((which) =>
      command(`close a view of ${which}`, hasRegion, (model) => {
        const region = pickRegion(model, which);
        const closed = region.views.splice(which % Math.max(1, region.views.length), 1);
        closeViews({ ...region, views: closed });
      }),
    ),
    pick.map((which) =>
      command(`close views of ${which}`, hasRegion, (model) =>
        closeViews(pickRegion(model, which)),
      ),
    ),
  ];
}

/** @param {Model} model */
function hasOpenRegion(model) {
  return model.regions.some((region) => region.protection === 'read-write');
}

/** @param {Model} model @param {number} pick */
function pickOpen(model, pick) {
  const regions = model.regions.filter((region) => region.protection === 'read-write');
  return pickRegion({ ...model, regions }, pick);
}

/** @param {ModelRegion} region */
function closeViews(region) {
  for (const { view } of region.views) {
    check(view.close() === 'revoked', 'a view was not revoked');
    check(view.bytes.length === 0, 'a revoked view still shows bytes');
  }
  region.views = [];
}

/** @param {MemoryBackend} backend @param {string} method @param {RegionId} id */
function callStale(backend, method, id) {
  const bytes = new Uint8Array(new ArrayBuffer(1));
  if (method === 'read') return backend.read(id, 0, bytes);
  if (method === 'write') return backend.write(id, 0, bytes);
  if (method === 'wipe') return backend.wipe(id, 0, 1);
  return method === 'protect' ? backend.protect(id, 'read-write') : backend.unmap(id);
}
