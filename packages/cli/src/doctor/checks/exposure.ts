import { remedies } from '@securemem/core';
import type { Facts } from '../facts.js';
import type { Finding } from '../finding.js';
import { bytes } from '../words.js';

/** Who else could see the memory of this process: core files, debuggers, the swap, a hibernation image, root. */

export function checkCoreFiles({ coreFiles }: Facts): Finding | undefined {
  const { limit, toProgram } = coreFiles;
  const id = 'core-files';
  if (limit === 'unknown') return undefined;
  const what =
    'secure pages are left out of it where the backend excludes them, all the rest is not';
  if (toProgram === true) {
    const says = `a crash hands a core file to a program, whatever the limit: ${what}`;
    return { id, level: 'note', says, remedies: [remedies.CORE_REMEDY] };
  }
  if (limit === 0) return { id, level: 'good', says: 'a crash writes no core file', remedies: [] };
  const says = `a crash writes a core file: ${what}`;
  return { id, level: 'note', says, remedies: [remedies.CORE_REMEDY] };
}

export function checkPtrace({ ptraceScope }: Facts): Finding | undefined {
  const id = 'ptrace';
  if (ptraceScope === 'unknown') return undefined;
  if (ptraceScope === 'none' || ptraceScope === 0) {
    const says =
      'any process of the same user may attach a debugger to this one and read its memory';
    return { id, level: 'weak', says, remedies: [remedies.PTRACE_REMEDY] };
  }
  const who = ptraceScope === 1 ? 'only a parent' : ptraceScope === 2 ? 'only root' : 'nobody';
  const says = `${who} may attach a debugger to this process (ptrace_scope ${ptraceScope})`;
  return { id, level: 'good', says, remedies: [] };
}

export function checkDebugger({ debugger: { signal, ways } }: Facts): Finding {
  const id = 'debugger';
  const lines = [remedies.DEBUGGER_REMEDY];
  if (ways.length > 0) {
    const says = `the runtime lets others in: ${ways.join('; ')}`;
    return { id, level: 'weak', says, remedies: lines };
  }
  if (signal) {
    const says =
      'SIGUSR1 of any process of the same user opens the debugger of Node, which reads every secret, whatever the kernel hides';
    return { id, level: 'weak', says, remedies: lines };
  }
  return { id, level: 'good', says: 'no signal opens the debugger of the runtime', remedies: [] };
}

export function checkSwap({ swapByteLength }: Facts): Finding | undefined {
  const id = 'swap';
  if (swapByteLength === 'unknown') return undefined;
  if (swapByteLength === 0) return { id, level: 'good', says: 'there is no swap', remedies: [] };
  const says = `there are ${bytes(swapByteLength)} of swap: locked pages never go there, all other memory may`;
  return { id, level: 'note', says, remedies: [] };
}

export function checkHibernation({ hibernation, memfdSecret }: Facts): Finding | undefined {
  const id = 'hibernation';
  if (hibernation === 'unknown') return undefined;
  if (!hibernation)
    return { id, level: 'good', says: 'this kernel does not hibernate', remedies: [] };
  const hidden = memfdSecret === true ? ', unless memfd_secret pages are in use' : '';
  const says = `this machine can hibernate, which writes locked pages to disk as well${hidden}`;
  return { id, level: 'weak', says, remedies: [remedies.HIBERNATION_REMEDY] };
}

export function checkKernelHidden({ hibernation, memfdSecret, platform }: Facts): Finding {
  const id = 'memfd-secret';
  if (memfdSecret === true && hibernation === true) {
    const says =
      'memfd_secret pages are left alone, since this machine can hibernate and could not while they are mapped: root can read the memory of this process';
    const line =
      "a backend with kernelHidden: 'require' takes them nonetheless; nobody can find out afterwards who holds them";
    return { id, level: 'note', says, remedies: [line] };
  }
  if (memfdSecret === true) {
    const says =
      "memfd_secret works: @securemem/napi hides pages from root and from the kernel, and so do koffi and ffi with kernelHidden: 'prefer'; nobody can hibernate this machine while they are mapped";
    return { id, level: 'good', says, remedies: [] };
  }
  if (memfdSecret === false || platform !== 'linux') {
    const says = 'there is no memfd_secret: root can read the memory of this process';
    const lines = platform === 'linux' ? [remedies.KERNEL_HIDDEN_REMEDY] : [];
    return { id, level: 'note', says, remedies: lines };
  }
  const says = 'whether memfd_secret works can be told once a backend locks a page here';
  return { id, level: 'note', says, remedies: [] };
}
