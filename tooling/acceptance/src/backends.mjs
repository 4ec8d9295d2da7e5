import { createFakeKernel, fakeBackend } from '@securemem/core/testing';
import { koffiBackend } from '@securemem/koffi';
import { napiBackend } from '@securemem/napi';
import { nolockBackend } from '@securemem/nolock';

/** The backends that are held against the requirements here, by the name under which a test asks for one. */
const FACTORIES = {
  fake: () => fakeBackend({ kernel: createFakeKernel({ lockLimit: { kind: 'unlimited' } }) }),
  koffi: () => koffiBackend(),
  napi: () => napiBackend(),
  'napi-mlock': () => napiBackend({ kernelHidden: 'off' }),
  nolock: () => nolockBackend(),
};

/** @param {string} name */
export function openBackend(name) {
  const factory = FACTORIES[/** @type {keyof typeof FACTORIES} */ (name)];
  if (factory === undefined) throw new RangeError(`no backend is called ${name}`);
  return factory();
}

/** Why a backend cannot open here, or undefined.
 *  @param {string} name @returns {string | undefined} */
export function unavailable(name) {
  if (name === 'fake') return undefined;
  const factory = name === 'koffi' ? koffiBackend : name === 'nolock' ? nolockBackend : napiBackend;
  const probe = factory.probe();
  return probe.available ? undefined : probe.reason;
}
