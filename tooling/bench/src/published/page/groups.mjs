/**
 * Which rows stand together, and what they are compared with. The order is the order of the page.
 *
 * @typedef {{ name: string, subject: string, label?: string }} Entry
 * @typedef {{ title: string, entries: Entry[], reference?: Entry }} Group
 */

const backends = ['securemem-koffi', 'securemem-napi'];

/** @param {string} name @param {readonly string[]} subjects @returns {Entry[]} */
function entries(name, subjects) {
  return subjects.map((subject) => ({ name, subject }));
}

/** @type {Record<string, Group[]>} */
export const groups = {
  allocate: [
    {
      title: '32 bytes allocated and disposed, and its time as a multiple of Buffer',
      entries: entries('allocate-dispose-32', [
        ...backends,
        'buffer',
        'key-object',
        'syscalls',
        'sodium-native',
      ]),
      reference: { name: 'allocate-dispose-32', subject: 'buffer' },
    },
    {
      title: 'The same without leak detection, and with all of it',
      entries: [
        ...entries('leak-detection-off', backends).map(withLabel('off')),
        ...entries('leak-detection-all', backends).map(withLabel('all')),
      ],
      reference: { name: 'allocate-dispose-32', subject: 'buffer' },
    },
    {
      title:
        'A region of one page mapped, locked, guarded, and given back (multiple of bare system calls)',
      entries: [
        ...entries('map-unmap', [...backends, 'securemem-napi-mlock']),
        { name: 'allocate-dispose-32', subject: 'syscalls' },
      ],
      reference: { name: 'allocate-dispose-32', subject: 'syscalls' },
    },
  ],
  seal: [
    {
      title: 'Sealed: 32 bytes allocated, encrypted, dropped (multiple of node:crypto)',
      entries: entries('seal-32', [...backends, 'node-crypto']),
      reference: { name: 'seal-32', subject: 'node-crypto' },
    },
    {
      title: 'Opened into locked memory and disposed (multiple of node:crypto)',
      entries: entries('open-32', [...backends, 'node-crypto']),
      reference: { name: 'open-32', subject: 'node-crypto' },
    },
    { title: 'Sealed and opened again', entries: entries('seal-open', backends) },
    { title: 'Opened, one byte read, disposed', entries: entries('cold-open', backends) },
    { title: 'Used through a store: not open yet', entries: entries('cold-use', backends) },
    { title: 'Used through a store: open already', entries: entries('hot-use', backends) },
  ],
  batch: [
    {
      title: 'One after another, for each (multiple of Buffer)',
      entries: entries('allocate-1000', [...backends, 'buffer', 'key-object', 'sodium-native']),
      reference: { name: 'allocate-1000', subject: 'buffer' },
    },
    {
      title: 'In one request for all or none, for each (multiple of Buffer one after another)',
      entries: entries('allocate-all-1000', backends),
      reference: { name: 'allocate-1000', subject: 'buffer' },
    },
  ],
  use: [
    {
      title: 'HMAC-SHA-256 of 32 bytes (multiple of node:crypto with a Buffer for a key)',
      entries: entries('hmac-32', [...backends, 'node-crypto', 'key-object']),
      reference: { name: 'hmac-32', subject: 'node-crypto' },
    },
    {
      title: 'Two secrets of 32 bytes compared in constant time (multiple of timingSafeEqual)',
      entries: entries('equals-32', [...backends, 'node-crypto', 'key-object', 'sodium-native']),
      reference: { name: 'equals-32', subject: 'node-crypto' },
    },
    {
      title:
        'A request of four secrets that signs, 500 in flight: under 64 KiB, and with room for all (multiple of koffi with room)',
      entries: [
        ...entries('storm-64k', backends).map(withLabel('64 KiB')),
        ...entries('storm-unlimited', backends).map(withLabel('room for all')),
      ],
      reference: { name: 'storm-unlimited', subject: 'securemem-koffi' },
    },
  ],
  keeper: [
    {
      title: '32 bytes there and back, one call at a time (multiple of fork)',
      entries: [
        ...entries('keeper-call', backends),
        { name: 'fork-advanced', subject: 'node-fork' },
      ],
      reference: { name: 'fork-advanced', subject: 'node-fork' },
    },
    {
      title: 'The same with 1,000 calls in flight, for each (multiple of fork)',
      entries: [
        ...entries('keeper-call-1000', backends),
        { name: 'fork-advanced-1000', subject: 'node-fork' },
      ],
      reference: { name: 'fork-advanced-1000', subject: 'node-fork' },
    },
    {
      title:
        'A signature: by a keeper with 50 callers, and in the process itself (multiple of koffi here)',
      entries: [
        ...entries('keeper-sign-50', backends).map(withLabel('keeper')),
        ...entries('sign', backends).map(withLabel('here')),
      ],
      reference: { name: 'sign', subject: 'securemem-koffi' },
    },
  ],
};

/** @param {string} what @returns {(entry: Entry) => Entry} */
function withLabel(what) {
  return (entry) => ({ ...entry, label: `${entry.subject.replace('securemem-', '')}, ${what}` });
}
