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

/** The style sheet of a picture with these subjects. @param {readonly string[]} subjects */
export function styleSheet(subjects) {
  const own = [...new Set(subjects)];
  const rules = (/** @type {'light' | 'dark'} */ theme) =>
    own.map((subject) => `.${subject} { --own: ${lookOf(subject)[theme]} }`).join('\n');
  return `
.card { fill: #ffffff; stroke: #d1d9e0 }
.strong { fill: #1f2328 } .quiet { fill: #59636e } .words { fill: #1f2328 }
.grid { stroke: #d1d9e0; stroke-width: 1 } .faint { stroke: #d1d9e0; stroke-width: 1; opacity: .4 }
.axis { stroke: #818b98; stroke-width: 1 } .guide { stroke: #818b98; fill: none; stroke-dasharray: 2 4 }
.rest { fill: #d1d9e0 } .hollow { fill: #ffffff }
.ink { fill: var(--own) } .stroke { stroke: var(--own); fill: none }
${rules('light')}
@media (prefers-color-scheme: dark) {
.card { fill: #0d1117; stroke: #3d444d }
.strong { fill: #f0f6fc } .quiet { fill: #9198a1 } .words { fill: #f0f6fc }
.grid, .faint { stroke: #3d444d }
.axis { stroke: #656c76 } .guide { stroke: #656c76 }
.rest { fill: #3d444d } .hollow { fill: #0d1117 }
${rules('dark')}
}
`.trimStart();
}
