import { STATUS } from './model.mjs';
import { aRange, target } from './regions.mjs';

/**
 * @typedef {import('./model.mjs').Model} Model
 * @typedef {import('./input.mjs').Input} Input
 */

const transfer =
  /** @type {{ transfer?: (this: ArrayBuffer, byteLength: number) => ArrayBuffer }} */ (
    ArrayBuffer.prototype
  ).transfer;

/** @param {Model} model @param {Input} input */
export function openView(model, input) {
  if (model.views.length >= 8) return;
  const { owner, id, region } = target(model, input);
  const { offset, length, valid } = aRange(model, input, region);
  const { numbers } = model.addon;
  // JavaScript stores nothing but numbers there.
  [owner, id, offset, length].forEach((value, index) => {
    numbers[index] = typeof value === 'number' ? value : Number.NaN;
  });
  const made = model.addon.openView();
  if (typeof made === 'number') {
    const empty = made === STATUS.ok;
    if (empty && !(valid && length === 0))
      throw new Error('openView gave nothing for a range of bytes');
    model.expect('openView', made, valid);
    return;
  }
  if (!valid || region === undefined || length === 0)
    throw new Error('openView accepted an invalid range');
  if (made.byteLength !== length)
    throw new Error(`a view of ${length} bytes has ${made.byteLength}`);
  const [number, serial] = /** @type {[number, number]} */ (
    /** @type {unknown} */ (model.addon.lastView)
  );
  model.views.push({ region, bytes: new Uint8Array(made), at: offset, number, serial });
  model.features.add('openView:made');
}

/** Reads a view, and writes through it where the region is open. @param {Model} model @param {Input} input */
export function useView(model, input) {
  const view = model.views.length > 0 ? input.of(model.views) : undefined;
  // A touch of a closed page ends the process, as it should.
  if (view === undefined || view.region.level === 0) return;
  const shown = view.region.shadow.subarray(view.at, view.at + view.bytes.length);
  if (Buffer.compare(view.bytes, shown) !== 0) throw new Error('a view shows other bytes');
  if (view.region.level < 2) return;
  const at = input.count(view.bytes.length - 1);
  const value = input.byte();
  view.bytes[at] = value;
  shown[at] = value;
  model.features.add('useView');
}

/** @param {Model} model @param {Input} input */
export function closeView(model, input) {
  const view = model.views.length > 0 ? input.of(model.views) : undefined;
  if (view === undefined) return;
  closeOne(model, view, input.once(2));
}

/** @param {Model} model @param {import('./model.mjs').View} view @param {boolean} byCall */
export function closeOne(model, view, byCall) {
  const { addon } = model;
  if (transfer === undefined) {
    addon.numbers[0] = view.number;
    addon.numbers[1] = view.serial;
    const closing = /** @type {{ closeView(buffer: ArrayBufferLike): number | undefined }} */ (
      /** @type {unknown} */ (addon)
    );
    if (closing.closeView(view.bytes.buffer) !== undefined)
      throw new Error('a view could not be closed');
  } else {
    transfer.call(/** @type {ArrayBuffer} */ (view.bytes.buffer), 0);
    if (byCall || view.number >= addon.revokedNotes.length)
      addon.revokedView(view.number, view.serial);
    else addon.revokedNotes[view.number] = 1;
  }
  if (view.bytes.length !== 0) throw new Error('a closed view shows bytes');
  model.views = model.views.filter((other) => other !== view);
  model.features.add('closeView');
}

/** Calls about views that nobody has. @param {Model} model @param {Input} input */
export function strayView(model, input) {
  const number = input.of([
    0,
    1,
    63,
    64,
    4095,
    4096,
    2 ** 31,
    2 ** 32 - 1,
    -1,
    0.5,
    '1',
    undefined,
  ]);
  // No view has had so many predecessors.
  const serial = 3_999_999_999;
  if (model.addon.aliasAlive(number, serial) !== 0)
    throw new Error('a view that nobody has is alive');
  model.addon.revokedView(number, serial);
  model.addon.escapedView(number, serial);
}
