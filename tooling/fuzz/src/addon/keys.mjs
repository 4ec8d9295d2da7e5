import { createECDH, generateKeyPairSync } from 'node:crypto';
import { Guarded } from './guarded.mjs';
import { STATUS } from './model.mjs';
import { aRange, target } from './regions.mjs';

/**
 * @typedef {import('./model.mjs').Model} Model
 * @typedef {import('./input.mjs').Input} Input
 * @typedef {import('./model.mjs').Region} Region
 */

/** In the order of native/keys.h: bytes of the private part and of the public key, 0 where they vary, and the curve. */
const TYPES = /** @type {const} */ ([
  [32, 32, undefined],
  [32, 32, undefined],
  [32, 65, 'prime256v1'],
  [48, 97, 'secp384r1'],
  [66, 133, 'secp521r1'],
  [32, 65, 'secp256k1'],
  [0, 0, undefined],
]);
const RSA = 6;

/** Which type signs, bytes of the digest (0: any message), of the signature (0: the modulus). */
const SIGNINGS = /** @type {const} */ ([
  [0, 0, 64],
  [2, 32, 64],
  [3, 48, 96],
  [4, 64, 132],
  [5, 32, 64],
  [5, 32, 65],
  [RSA, 32, 0],
  [RSA, 48, 0],
  [RSA, 64, 0],
  [RSA, 32, 0],
  [RSA, 48, 0],
  [RSA, 64, 0],
]);

/** Which type agrees. */
const AGREEMENTS = [1, 2, 3, 4, 5];

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const rsaKey = new Uint8Array(privateKey.export({ type: 'pkcs1', format: 'der' }));
const bytes = (/** @type {number} */ length, fill = 3) =>
  new Uint8Array(new ArrayBuffer(Math.max(0, length))).fill(fill);

/** Puts what is a key, or nearly one, where a call may find it. @param {Model} model @param {Input} input */
export function plant(model, input) {
  const region = model.regions.length > 0 ? input.of(model.regions) : undefined;
  if (region === undefined) return;
  const key = Uint8Array.from(input.once(2) ? rsaKey : bytes(66, input.of([0, 1, 0xff])));
  if (input.once(3)) key[input.count(key.length - 1)] = input.byte();
  const at = region.shadow.length - key.length;
  if (!model.expect('write', model.addon.write(region.owner, region.id, at, key), true)) return;
  region.shadow.set(key, at);
}

/**
 * A range that a key may be in, at the end of its region, where one byte too many meets a guard page.
 * @param {Model} model @param {Input} input @param {number} type
 */
function aKey(model, input, type) {
  const { owner, id, region } = target(model, input);
  if (input.once(6)) return { owner, id, region, ...aRange(model, input, region), key: undefined };
  const size = region?.shadow.length ?? model.addon.pageByteLength;
  const wanted = TYPES[type]?.[0] || rsaKey.length;
  const doubled = type === 0 && input.once(2) ? 64 : wanted;
  const length = input.once(8) ? doubled + input.of([-1, 1]) : doubled;
  const offset = size - length;
  const key = region?.shadow.subarray(offset);
  return { owner, id, region, offset, length, valid: region !== undefined, key };
}

/** @param {unknown} length @param {number} type */
const fits = (length, type) =>
  type === RSA
    ? Number(length) > 0
    : length === TYPES[type]?.[0] || (type === 0 && length === 2 * TYPES[0][0]);

/**
 * What a call may answer: a count, or that the bytes are no key, where nothing is wrong with the arguments; else a refusal.
 * @param {Model} model @param {string} what @param {number} answer @param {boolean} valid
 */
function expectCount(model, what, answer, valid) {
  if (valid && answer === -STATUS.keyInvalid) {
    model.features.add(`${what}:keyInvalid`);
    return false;
  }
  return model.expect(what, Math.max(-answer, 0), valid);
}

/** @param {Model} model @param {Input} input */
export function sign(model, input) {
  const use = input.byte() % SIGNINGS.length;
  const [type, digest, length] = /** @type {readonly [number, number, number]} */ (SIGNINGS[use]);
  const range = aKey(model, input, type);
  const message = bytes((digest || input.byte()) + (input.once(10) ? input.of([-1, 1]) : 0));
  const room = (length || 128) + (input.once(10) ? input.of([-1, 1]) : 0);
  const target_ = new Guarded(room, 0x5a);
  // 4294967296 becomes 0 for the addon, which is a way to sign.
  const asked = input.once(20) ? input.of([SIGNINGS.length, 2 ** 31, '0', null, {}]) : use;
  const { owner, id, offset } = range;
  const args = [owner, asked, id, offset, range.length, message, target_.bytes];
  const answer = model.addon.sign(...args);
  const right =
    range.valid &&
    asked === use &&
    fits(range.length, type) &&
    (digest === 0 || message.length === digest) &&
    (length === 0 || room === length);
  // A key of RSA may be shorter or longer than the room: then the length decides, or the key does.
  const open = type === RSA && right && (answer === -STATUS.badRange || answer > 0);
  const done = open ? answer > 0 : expectCount(model, 'sign', answer, right);
  target_.check('sign');
  if (done && answer > room) throw new Error(`a signature of ${answer} bytes in room for ${room}`);
  if (!done && target_.bytes.some((byte) => byte !== 0x5a)) {
    throw new Error('sign wrote although it refused');
  }
}

/** @param {Model} model @param {Input} input */
export function publicKey(model, input) {
  const type = input.byte() % TYPES.length;
  const [, wanted, curve] = /** @type {readonly [number, number, string | undefined]} */ (
    TYPES[type]
  );
  const range = aKey(model, input, type);
  const room = (wanted || 300) + (input.once(8) ? input.of([-1, 1]) : 0);
  const target_ = new Guarded(room, 0x5a);
  const { owner, id, offset, length } = range;
  const answer = model.addon.publicKey(owner, type, id, offset, length, target_.bytes);
  const right = range.valid && fits(length, type) && room >= wanted;
  const open = type === RSA && right && answer === -STATUS.badRange;
  const done = !open && expectCount(model, 'publicKey', answer, right);
  target_.check('publicKey');
  if (!done || curve === undefined || range.key === undefined) return;
  const reference = createECDH(curve);
  reference.setPrivateKey(range.key);
  if (Buffer.compare(reference.getPublicKey(), target_.bytes.subarray(0, answer)) !== 0) {
    throw new Error(`another public key of ${curve}`);
  }
}

/** @param {Model} model @param {Input} input */
export function agree(model, input) {
  const use = input.byte() % AGREEMENTS.length;
  const type = Number(AGREEMENTS[use]);
  const [width, peerLength] = /** @type {readonly [number, number, string]} */ (
    /** @type {unknown} */ (TYPES[type])
  );
  const range = aKey(model, input, type);
  const { id } = target(model, input);
  const region = model.regions.find((one) => one.id === id && one.owner === range.owner);
  const length = width + (input.once(8) ? input.of([-1, 1]) : 0);
  const offset = input.count((region?.shadow.length ?? length) - length);
  const peer = bytes(peerLength + (input.once(8) ? input.of([-1, 1]) : 0), input.byte());
  if (input.once(2)) peer[0] = 4;
  const args = [range.owner, use, range.id, range.offset, range.length, peer, id, offset, length];
  const answer = model.addon.agree(...args);
  const apart = () =>
    region !== range.region ||
    offset + length <= range.offset ||
    range.offset + range.length <= offset;
  const right =
    range.valid &&
    region !== undefined &&
    apart() &&
    fits(range.length, type) &&
    length === width &&
    peer.length === peerLength;
  const failed = answer === STATUS.keyInvalid || answer === STATUS.peerInvalid;
  if (right && failed) {
    model.features.add(`agree:${answer}`);
    region.shadow.fill(0, offset, offset + length);
    return;
  }
  if (model.expect('agree', answer, right) && region !== undefined) readBack(model, region);
}

/** What nobody can say beforehand: the model takes it over. @param {Model} model @param {Region} region */
function readBack(model, region) {
  model.addon.read(region.owner, region.id, 0, region.shadow);
}

/** Begins a signature on another thread, and goes on: whatever comes next comes under it. @param {Model} model @param {Input} input */
export function signLater(model, input) {
  if (model.later.length >= 8) return;
  const use = 6 + (input.byte() % 6);
  const [, digest] = /** @type {readonly [number, number, number]} */ (SIGNINGS[use]);
  const range = aKey(model, input, RSA);
  const ticket = new Float64Array(1);
  const message = bytes(digest + (input.once(10) ? 1 : 0));
  const { owner, id, offset, length } = range;
  const answer = model.addon.signLater(owner, use, id, offset, length, message, ticket);
  const right = range.valid && fits(length, RSA) && message.length === digest;
  if (typeof answer === 'number') {
    model.expect('signLater', -answer, right);
    return;
  }
  if (!right) throw new Error('signLater accepted an invalid call');
  model.features.add('signLater:begun');
  model.later.push(settled(model, answer));
  if (input.once(4)) {
    const taken = model.addon.revokeSignature(ticket[0]);
    model.features.add(`revokeSignature:${taken}`);
  }
}

/** @param {Model} model @param {Promise<Uint8Array | number>} answer */
async function settled(model, answer) {
  const found = await answer;
  if (typeof found !== 'number') {
    if (found.length !== 128) throw new Error(`a signature of ${found.length} bytes`);
    model.features.add('signLater:signed');
    return;
  }
  if (found !== STATUS.disposed && found !== STATUS.keyInvalid) {
    throw new Error(`a signature settled with ${found}`);
  }
  model.features.add(`signLater:${found}`);
}
