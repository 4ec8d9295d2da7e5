import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { confine } from './confine.mjs';

const probeFile = fileURLToPath(new URL('./probe.mjs', import.meta.url));
const probeMsMax = 20_000;
/** 16 MiB of the usual pages: beyond this a probe of every page would take longer than the tests it serves. */
const pagesMax = 4096;
/** Every Linux page size is a multiple of this, so a probe that asks for so many pages passes any limit. */
const smallestPageByteLength = 4096;

/** @type {Map<string, import('./index.d.mts').ConfinementProof>} */
const proofs = new Map();

/**
 * Runs a child as `confine` would and lets it lock page after page. Proven means that exactly the pages of the soft
 * limit were locked and the next one was refused, with the errno that Linux gives for it: EPERM under a limit of 0,
 * ENOMEM otherwise. The answer is kept for the life of this process.
 *
 * @param {import('./index.d.mts').Confinement} confinement
 * @returns {import('./index.d.mts').ConfinementProof}
 */
export function proveConfinement(confinement) {
  const { memlockByteLength, memlockHardByteLength, as } = confinement;
  const key = `${memlockByteLength}:${memlockHardByteLength}:${as}`;
  const known = proofs.get(key);
  if (known !== undefined) return known;
  const proof = runProof(confinement);
  proofs.set(key, proof);
  return proof;
}

/** @param {import('./index.d.mts').Confinement} confinement @returns {import('./index.d.mts').ConfinementProof} */
function runProof(confinement) {
  if (process.platform !== 'linux') return unproven('lock limits are set through Linux tools');
  if (confinement.as === 'root' && process.getuid?.() !== 0) return unproven('not started as root');
  const pages = Math.floor(confinement.memlockByteLength / smallestPageByteLength) + 1;
  if (pages > pagesMax) return unproven(`a limit above ${pagesMax} pages is not probed`);
  const { command, args } = confine(process.execPath, [probeFile, String(pages)], confinement);
  return judge(runProbe(command, args), confinement.memlockByteLength);
}

/**
 * What became of a probe: what it printed, or why there is nothing.
 * @param {string} command @param {readonly string[]} args
 * @returns {import('./index.d.mts').ProbeOutcome}
 */
export function runProbe(command, args) {
  const result = spawnSync(command, [...args], { encoding: 'utf8', timeout: probeMsMax });
  if (result.error !== undefined) {
    // A directory of the path that this user may not search turns "not found" into EACCES.
    const missing =
      'code' in result.error && ['ENOENT', 'EACCES'].includes(String(result.error.code));
    return { reason: missing ? `${command} is not installed` : result.error.message };
  }
  if (result.status !== 0)
    return { reason: explain(result.stderr, result.signal ?? result.status) };
  return JSON.parse(result.stdout);
}

/** @param {string} stderr @param {string | number | null} end */
function explain(stderr, end) {
  if (/setpriv.*No such file/.test(stderr)) return 'setpriv is not installed';
  if (/koffi/.test(stderr)) return 'koffi does not load, so nothing can probe the limit';
  const line = stderr.split('\n').find((text) => /\S/.test(text) && !/^(node:|file:)/.test(text));
  return `the probe ended with ${end}${line === undefined ? '' : ` (${line.trim()})`}`;
}

/**
 * @param {import('./index.d.mts').ProbeOutcome} outcome @param {number} memlockByteLength
 * @returns {import('./index.d.mts').ConfinementProof}
 */
export function judge(outcome, memlockByteLength) {
  if ('reason' in outcome) return unproven(outcome.reason);
  const { pageByteLength, lockedPages, errno } = outcome;
  const expectedPages = Math.floor(memlockByteLength / pageByteLength);
  const expectedErrno = memlockByteLength === 0 ? 1 : 12;
  if (errno === 0) return unproven(`page ${lockedPages} was locked: the limit does not bind`);
  if (lockedPages !== expectedPages || errno !== expectedErrno) {
    return unproven(
      `errno ${errno} after ${lockedPages} pages, where ${expectedPages} are allowed`,
    );
  }
  return { proven: true };
}

/** @param {string} reason @returns {import('./index.d.mts').ConfinementProof} */
function unproven(reason) {
  return { proven: false, reason };
}
