import { createCipheriv } from 'node:crypto';
import { Guarded } from './guarded.mjs';
import { STATUS } from './model.mjs';
import { aRange, target } from './regions.mjs';

const TAG = 16;

/**
 * @typedef {import('./model.mjs').Model} Model
 * @typedef {import('./input.mjs').Input} Input
 * @typedef {import('./model.mjs').Region} Region
 */

/**
 * seal of one range, compared with node:crypto, and unseal of it into another range of the same length.
 * @param {Model} model @param {Input} input
 */
export function cipher(model, input) {
  const { owner, id, region } = target(model, input);
  const { offset, length, valid } = aRange(model, input, region);
  const key = model.regions.find((one) => one.owner === owner);
  if (key === undefined) return;
  const keyEnd = key.shadow.length - 32;
  const keyOffset = input.once(8) ? keyEnd + 1 : input.count(keyEnd);
  const nonce = new Uint8Array(new ArrayBuffer(input.once(12) ? 11 : 12)).fill(input.byte());
  const data = new Uint8Array(new ArrayBuffer(input.byte() % 40)).fill(3);
  const size =
    typeof length === 'number' && length >= 0 && length <= 2 ** 20 ? Math.floor(length) : 8;
  const target_ = new Guarded(size + TAG + (input.once(12) ? input.of([-1, 1]) : 0), 0x5a);
  const right =
    valid && keyOffset <= keyEnd && nonce.length === 12 && target_.bytes.length === size + TAG;
  const args = [owner, key.id, keyOffset, nonce, data, id, offset, length, target_.bytes];
  const sealed = model.expect('seal', model.addon.seal(...args), right);
  target_.check('seal');
  if (!sealed || region === undefined) {
    if (target_.bytes.some((byte) => byte !== 0x5a))
      throw new Error('seal wrote although it refused');
    return;
  }
  const text = region.shadow.subarray(offset, offset + size);
  const aes = createCipheriv('aes-256-gcm', key.shadow.subarray(keyOffset, keyOffset + 32), nonce);
  aes.setAAD(data);
  const reference = Buffer.concat([aes.update(text), aes.final(), aes.getAuthTag()]);
  if (Buffer.compare(target_.bytes, reference) !== 0)
    throw new Error(`seal of ${size} bytes gave other bytes`);
  unseal(model, input, args, text);
}

/** @param {Model} model @param {Input} input @param {unknown[]} args @param {Uint8Array} text its shadow */
function unseal(model, input, args, text) {
  const sealed = /** @type {Uint8Array} */ (args.at(-1));
  const tampered = input.once(4);
  const at = input.count(sealed.length - 1);
  if (tampered) sealed[at] = Number(sealed[at]) ^ 0x10;
  const status = model.addon.unseal(...args);
  model.features.add(`unseal:${status}`);
  if (status !== (tampered ? STATUS.unsealFailed : STATUS.ok))
    throw new Error(`unseal answered ${status}`);
  // Otherwise it has written what was there before.
  if (tampered) text.fill(0);
}
