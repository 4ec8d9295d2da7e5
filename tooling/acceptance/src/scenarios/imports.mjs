import { lockedByteLength } from '../kernel-facts.mjs';

/** M12: what importing does to the process, and what `probe` says. */

/** Imports every package and asks each backend whether it can open. */
export async function everything() {
  const before = lockedByteLength();
  const listeners = process.listenerCount('exit');
  const signals = process.listenerCount('SIGTERM');
  const core = await import('@securemem/core');
  const { koffiBackend } = await import('@securemem/koffi');
  const { napiBackend } = await import('@securemem/napi');
  const { nolockBackend } = await import('@securemem/nolock');
  await import('@securemem/keeper');
  const probes = [koffiBackend, napiBackend, nolockBackend].map((factory) => ({
    name: factory.backendName,
    ...factory.probe(),
  }));
  let refused;
  try {
    core.createAllocator({ backend: koffiBackend() }).allocateSync(32);
  } catch (error) {
    refused = /** @type {any} */ (error).code;
  }
  return {
    locked: lockedByteLength() - before,
    listeners: process.listenerCount('exit') - listeners,
    signals: process.listenerCount('SIGTERM') - signals,
    probes,
    refused,
  };
}
