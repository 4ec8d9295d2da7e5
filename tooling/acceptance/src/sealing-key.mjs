import { randomFillSync } from 'node:crypto';
import { markerFromMasked } from './memory-scan.mjs';

const offHeap = (/** @type {number} */ n) => new Uint8Array(new ArrayBuffer(n));

/**
 * The sealing key, as a marker that holds no byte of it: read during the first call that is given it, into scratch that is
 * masked and wiped. `during` is called in each later one. @param {import('@securemem/core').MemoryBackend} backend
 */
export function watchKey(backend) {
  /** @type {{ marker?: import('./memory-scan.mjs').Marker, during: () => void }} */
  const watched = { during: () => {} };
  const note = (/** @type {Uint8Array} */ key) => {
    const mask = randomFillSync(offHeap(32));
    const masked = offHeap(32);
    for (let i = 0; i < 32; i++) masked[i] = Number(key[i]) ^ Number(mask[i]);
    const hex = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString('hex');
    watched.marker = markerFromMasked(`${hex(masked)}:${hex(mask)}`);
  };
  const read = backend.read.bind(backend);
  const seal = backend.seal.bind(backend);
  backend.seal = (key, ...rest) => {
    if (watched.marker === undefined) {
      const copy = offHeap(32);
      read(key.region, key.byteOffset, copy);
      note(copy);
      copy.fill(0);
    }
    watched.during();
    seal(key, ...rest);
  };
  const write = backend.write.bind(backend);
  const workAt = backend.pageByteLength - 32;
  if (backend.capabilities.cipher === 'none') {
    // Then core puts it together at the end of a page, from where it goes to node:crypto.
    backend.write = (region, byteOffset, source) => {
      write(region, byteOffset, source);
      if (byteOffset !== workAt || source.length !== 32) return;
      if (watched.marker === undefined) note(source);
      else watched.during();
    };
  }
  return watched;
}

/** A marker whose bytes are in another order, such as that of the limbs of a number. @param {string} masked @param {number} limb */
export function limbsOf(masked, limb) {
  const swapped = masked.split(':').map((hex) => {
    const limbs = hex.match(new RegExp(`.{${limb * 2}}`, 'g')) ?? [];
    return limbs.reverse().join('');
  });
  return markerFromMasked(swapped.join(':'));
}
