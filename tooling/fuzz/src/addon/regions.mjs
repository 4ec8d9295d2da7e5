import { Guarded, GuardedNumbers } from './guarded.mjs';
import { oddValue } from './input.mjs';
import { PAGES_MAX, STATUS } from './model.mjs';

/**
 * @typedef {import('./model.mjs').Model} Model
 * @typedef {import('./model.mjs').Region} Region
 * @typedef {import('./input.mjs').Input} Input
 */

/** @param {Model} model @param {Input} input */
export function open(model, input) {
  if (model.owners.length >= 3) return;
  const kind = input.once(8) ? 1 : 0;
  const owner = model.addon.open(input.once(16) ? oddValueOfNoKind(input) : kind);
  model.features.add(`open:${Math.min(owner, 1)}`);
  if (owner > 0) model.owners.push(owner);
}

/** 4294967296 becomes 0 for the addon, which is a kind; words are none. @param {Input} input */
function oddValueOfNoKind(input) {
  return input.of(['0', null, undefined, {}]);
}

/** @param {Model} model @param {Input} input */
export function close(model, input) {
  const owner = input.once(4) ? 9_999_999 : anOwner(model, input);
  const known = model.owners.includes(owner);
  if (known && model.views.some(({ region }) => region.owner === owner)) return;
  if (!model.expect('close', model.addon.close(owner), known)) return;
  model.owners = model.owners.filter((other) => other !== owner);
  for (const region of model.regions.filter((one) => one.owner === owner)) model.forget(region);
}

/** @param {Model} model @param {Input} input */
export function map(model, input) {
  if (model.isFull) return;
  const { pageByteLength: page } = model.addon;
  const owner = anOwner(model, input);
  const good = page * (1 + input.count(PAGES_MAX - 1));
  const byteLength = input.once(6)
    ? input.of([0, 1, page - 1, page + 1, -page, 0.5, Number.NaN, 2 ** 53, '8', undefined])
    : good;
  const valid = model.owners.includes(owner) && byteLength === good;
  const id = model.addon.map(owner, byteLength);
  if (!model.expect('map', Math.max(-id, 0), valid)) return;
  if (model.regions.some((region) => region.id === id) || model.stale.includes(id)) {
    throw new Error(`map gave the id ${id} twice`);
  }
  model.regions.push({ id, owner, shadow: new Uint8Array(new ArrayBuffer(good)), level: 2 });
}

/** @param {Model} model @param {Input} input */
export function unmap(model, input) {
  const { owner, id, region } = target(model, input);
  const status = model.addon.unmap(owner, id);
  if (region !== undefined && model.viewsOf(region).length > 0) {
    if (status !== STATUS.inUse) throw new Error(`unmap under a view answered ${status}`);
    model.features.add('unmap:view');
    return;
  }
  if (model.expect('unmap', status, region !== undefined))
    model.forget(/** @type {Region} */ (region));
}

/** @param {Model} model @param {Input} input */
export function protect(model, input) {
  const { owner, id, region } = target(model, input);
  const level = input.once(8) ? input.of([3, 4, 255, '2', undefined]) : input.byte() % 3;
  const valid = region !== undefined && typeof level === 'number' && level <= 2;
  if (!model.expect('protect', model.addon.protect(owner, id, level), valid)) return;
  /** @type {Region} */ (region).level = Number(level);
}

/** @param {Model} model @param {Input} input */
export function wipe(model, input) {
  const { owner, id, region } = target(model, input);
  const { offset, length, valid } = aRange(model, input, region);
  if (!model.expect('wipe', model.addon.wipe(owner, id, offset, length), valid)) return;
  region?.shadow.fill(0, Number(offset), Number(offset) + Number(length));
}

/** @param {Model} model @param {Input} input */
export function read(model, input) {
  const { owner, id, region } = target(model, input);
  const { offset, length, valid } = aRange(model, input, region, true);
  const guarded = new Guarded(length, 0x5a);
  const done = model.expect('read', model.addon.read(owner, id, offset, guarded.bytes), valid);
  guarded.check('read');
  const expected = done
    ? /** @type {Region} */ (region).shadow.subarray(Number(offset), Number(offset) + length)
    : new Uint8Array(length).fill(0x5a);
  if (Buffer.compare(guarded.bytes, expected) !== 0) throw new Error('read gave other bytes');
}

/** @param {Model} model @param {Input} input */
export function write(model, input) {
  const { owner, id, region } = target(model, input);
  const { offset, length, valid } = aRange(model, input, region, true);
  const source = new Uint8Array(new ArrayBuffer(length)).fill(input.byte());
  if (!model.expect('write', model.addon.write(owner, id, offset, source), valid)) return;
  region?.shadow.set(source, Number(offset));
}

/** Numbers that `inspect` answers for each region. */
const FACTS = 7;

/** @param {Model} model @param {Input} input */
export function inspect(model, input) {
  const owner = anOwner(model, input);
  const ids = model.regions.filter((region) => region.owner === owner).map(({ id }) => id);
  const asked = input.once(4) ? [...ids, ...model.stale.slice(0, 1), Number.NaN] : ids;
  const room = asked.length * FACTS + input.of([0, 0, -1, 1]);
  const answers = new GuardedNumbers(Math.max(0, room));
  const status = model.addon.inspect(owner, Float64Array.from(asked), answers.numbers);
  answers.check('inspect');
  const fits = answers.numbers.length >= asked.length * FACTS;
  model.expect('inspect', status, model.owners.includes(owner) && fits && asked === ids);
}

/** @param {Model} model @param {Input} input */
export function ask(model, input) {
  const owner = anOwner(model, input);
  const abilities = new GuardedNumbers(2 + (input.byte() % 3));
  const status = model.addon.abilities(owner, abilities.numbers);
  abilities.check('abilities');
  model.expect('abilities', status, model.owners.includes(owner) && abilities.numbers.length >= 3);
  const lock = new GuardedNumbers(3 + (input.byte() % 3));
  model.expect('lockNumbers', model.addon.lockNumbers(lock.numbers), lock.numbers.length >= 4);
  lock.check('lockNumbers');
  const mappings = new GuardedNumbers(1 + (input.byte() % 3));
  model.expect('mappings', model.addon.mappings(mappings.numbers), mappings.numbers.length >= 2);
  mappings.check('mappings');
  const words = new BigUint64Array(1 + (input.byte() % 3));
  const which = input.of([0, 1, 2, 3, 'core', undefined]);
  const known = typeof which === 'number' && which < 3 && words.length >= 2;
  model.expect('limit', model.addon.limit(which, words), known);
  const failure = new GuardedNumbers(5 + (input.byte() % 3));
  const syscall = model.addon.failure(failure.numbers);
  failure.check('failure');
  if ((syscall === undefined) !== failure.numbers.length < 6)
    throw new Error('failure took no room for room');
}

/** @param {Model} model @param {Input} input @returns {number} */
export function anOwner(model, input) {
  return input.once(12) || model.owners.length === 0
    ? input.of([0, 9_999_999])
    : input.of(model.owners);
}

/**
 * An owner and an id, mostly ones that belong together; `region` only where they do.
 * @param {Model} model @param {Input} input
 * @returns {{ owner: number, id: unknown, region: Region | undefined }}
 */
export function target(model, input) {
  const chosen = input.of(model.regions.length > 0 ? model.regions : [undefined]);
  if (chosen === undefined || input.once(10)) {
    const id = input.of([0, ...model.stale.slice(-3), oddValue(input)]);
    return { owner: anOwner(model, input), id, region: undefined };
  }
  if (!input.once(12)) return { owner: chosen.owner, id: chosen.id, region: chosen };
  const owner = anOwner(model, input);
  return { owner, id: chosen.id, region: owner === chosen.owner ? chosen : undefined };
}

/**
 * A range, mostly at an end of the region, sometimes one byte beyond it. `length` is a count where it is that of an array.
 * @param {Model} model @param {Input} input @param {Region | undefined} region @param {boolean} [ofArray]
 * @returns {{ offset: any, length: any, valid: boolean }}
 */
export function aRange(model, input, region, ofArray = false) {
  const size = region?.shadow.length ?? model.addon.pageByteLength;
  const count = input.count(size);
  // To the end, one byte less, one byte more, or anything.
  const end = [size - count, size - count - 1, size - count + 1, input.count(size)];
  const length = Math.max(0, input.of(end));
  const offset = input.once(12) ? oddValue(input) : count;
  const asked = !ofArray && input.once(12) ? oddValue(input) : length;
  const good = offset === count && asked === length && count + length <= size;
  return { offset, length: asked, valid: region !== undefined && good };
}
