/**
 * How each subject is called and drawn: a colour for light pages and one for dark ones, and a mark of its own, so that
 * nobody needs to tell the colours apart.
 *
 * @typedef {'disc' | 'ring' | 'square' | 'diamond' | 'triangle' | 'down' | 'plus'} Mark
 * @typedef {{ label: string, light: string, dark: string, mark: Mark, dash?: string }} Look
 */

/** @type {Record<string, Look>} */
const looks = {
  'securemem-koffi': { label: 'securemem koffi', light: '#0969da', dark: '#58a6ff', mark: 'disc' },
  'securemem-napi': {
    ...{ label: 'securemem napi', light: '#1a7f37', dark: '#3fb950', mark: 'ring' },
    dash: '7 4',
  },
  'securemem-napi-mlock': {
    ...{ label: 'securemem napi, mlock', light: '#0a7e8c', dark: '#39c5cf', mark: 'ring' },
  },
  'securemem-ffi': {
    ...{ label: 'securemem ffi', light: '#8250df', dark: '#a371f7', mark: 'ring' },
  },
  'securemem-nolock': {
    ...{ label: 'securemem nolock', light: '#7d8590', dark: '#9198a1', mark: 'disc' },
  },
  'securemem-store': {
    ...{ label: 'securemem store, sealed', light: '#8250df', dark: '#bc8cff', mark: 'diamond' },
  },
  'sodium-native': { label: 'sodium-native', light: '#cf222e', dark: '#ff7b72', mark: 'square' },
  syscalls: {
    ...{ label: 'bare system calls', light: '#9a6700', dark: '#d29922', mark: 'triangle' },
    dash: '9 6',
  },
  'create-and-detach': {
    ...{ label: 'bare Node-API calls', light: '#9a6700', dark: '#d29922', mark: 'triangle' },
  },
  'key-object': { label: 'KeyObject', light: '#bf3989', dark: '#f778ba', mark: 'down' },
  'node-crypto': { label: 'node:crypto', light: '#6639ba', dark: '#a371f7', mark: 'diamond' },
  'node-fork': { label: 'child_process.fork', light: '#bf3989', dark: '#f778ba', mark: 'down' },
  buffer: { label: 'Buffer', light: '#59636e', dark: '#9198a1', mark: 'plus' },
};

/** @param {string} subject @returns {Look} */
export function lookOf(subject) {
  const look = looks[subject];
  if (look === undefined) throw new Error(`nobody said how ${subject} is drawn`);
  return look;
}

/** @param {string} subject */
export function labelOf(subject) {
  return lookOf(subject).label;
}
