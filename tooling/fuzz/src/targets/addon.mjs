import { cipher } from '../addon/ciphers.mjs';
import { Input, oddValue } from '../addon/input.mjs';
import { agree, plant, publicKey, sign, signLater } from '../addon/keys.mjs';
import { loadAddon } from '../addon/load.mjs';
import { Model } from '../addon/model.mjs';
import {
  ask,
  close,
  inspect,
  map,
  open,
  protect,
  read,
  unmap,
  wipe,
  write,
} from '../addon/regions.mjs';
import { closeOne, closeView, openView, strayView, useView } from '../addon/views.mjs';

/**
 * The raw calls of the addon. An input is a list of calls; a model says for each whether it must succeed, and what every region holds
 * afterwards. Ranges lie at the ends of regions, where a byte too many meets a guard page.
 */
const OPERATIONS = [
  open,
  map,
  map,
  unmap,
  protect,
  wipe,
  read,
  write,
  write,
  inspect,
  ask,
  openView,
  useView,
  closeView,
  strayView,
  cipher,
  cipher,
  plant,
  sign,
  publicKey,
  agree,
  signLater,
  close,
];

const FUNCTIONS = /** @type {const} */ ([
  'map',
  'protect',
  'wipe',
  'read',
  'write',
  'inspect',
  'unmap',
  'seal',
  'unseal',
  'sign',
  'publicKey',
  'agree',
  'signLater',
  'abilities',
  'aliasAlive',
]);

/** @type {import('../target.mjs').TargetDefinition} */
export default {
  byteLengthMax: 400,
  open() {
    const addon = loadAddon();
    let runs = 0;
    return {
      run(bytes) {
        // Buffers of views that are garbage are told to the addon by finalizers, and in turns of the loop.
        runs += 1;
        if (runs % 500 === 0) globalThis.gc?.();
        return runCalls(new Model(addon), new Input(bytes));
      },
    };
  },
};

/** @param {Model} model @param {Input} input */
async function runCalls(model, input) {
  open(model, new Input(new Uint8Array(0)));
  try {
    while (!input.isEmpty) {
      const chosen = input.byte() % (OPERATIONS.length + 1);
      const operation = OPERATIONS[chosen];
      if (operation === undefined) nonsense(model, input);
      else operation(model, input);
      model.check();
    }
    return model.features;
  } finally {
    for (const view of model.views) closeOne(model, view, true);
    for (const owner of model.owners) model.addon.close(owner);
    await Promise.all(model.later);
  }
}

/** Arguments that have nothing to do with the function: it must refuse them, and come back. @param {Model} model @param {Input} input */
function nonsense(model, input) {
  const name = input.of(FUNCTIONS);
  const args = Array.from({ length: input.byte() % 10 }, () => oddValue(input));
  const call = /** @type {(...args: readonly unknown[]) => number} */ (model.addon[name]);
  const answer = call(...args);
  const counts = ['map', 'sign', 'publicKey', 'signLater'].includes(name);
  const refused = counts ? answer < 0 : name === 'aliasAlive' ? answer === 0 : answer > 0;
  if (!refused) throw new Error(`${name} accepted nonsense`);
  model.features.add(`nonsense:${name}:${answer}`);
}
