import { Errno } from './errno.js';
import type { CType, Ffi } from './ffi.js';
import type { Failed, HardenCalls, ProcessLimit } from './limit-hardening.js';

const RESOURCES: { readonly [Limit in ProcessLimit]: number } = { cpu: 0, core: 4, locked: 8 };
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;

/** The calls of hardening on Linux. Throws where a function is missing. */
export function linuxHardenCalls(ffi: Ffi): HardenCalls {
  const libc = ffi.library(null);
  const errno = new Errno(ffi);
  const call = <Call>(name: string, parameters: readonly CType[]): Call =>
    errno.kept(libc.func(name, 'int', parameters), parameters.length) as Call;
  type Limits = (resource: number, words: BigUint64Array) => number;
  type Prctl = (option: number, value: number, a: 0, b: 0, c: 0) => number;
  const getrlimit = call<Limits>('getrlimit', ['int', 'pointer']);
  const setrlimit = call<Limits>('setrlimit', ['int', 'pointer']);
  const prctl = call<Prctl>('prctl', ['int', 'size', 'size', 'size', 'size']);
  const failed = (syscall: string): Failed => ({ syscall, errno: errno.last() });
  const of = (syscall: string, answer: number) => (answer === 0 ? undefined : failed(syscall));
  return {
    limit: (which, words) => of('getrlimit', getrlimit(RESOURCES[which], words)),
    setLimit: (which, words) => of('setrlimit', setrlimit(RESOURCES[which], words)),
    dumpable() {
      const answer = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
      return answer < 0 ? failed('prctl') : answer !== 0;
    },
    forbidDumps: () => of('prctl', prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)),
  };
}
