/** The backends to measure. Each is imported only in the process of its own subject. */
const open = {
  'securemem-koffi': async () => (await import('@securemem/koffi')).koffiBackend(),
  'securemem-napi': async () => (await import('@securemem/napi')).napiBackend(),
};

/** Further ones, for the table of what an access costs. */
const openFurther = {
  /** Where the Node that measures has `node:ffi`: start it with that one. */
  'securemem-ffi': async () => (await import('@securemem/ffi')).ffiBackend(),
  'securemem-napi-mlock': async () =>
    (await import('@securemem/napi')).napiBackend({ kernelHidden: 'off' }),
  'securemem-nolock': async () => (await import('@securemem/nolock')).nolockBackend(),
};

/** The subjects whose operation backends are judged by, in the order of the table. */
export const backendSubjects = Object.keys(open);

/** @typedef {(backend: import('@securemem/core/contract').MemoryBackend) => import('./case.d.mts').Loop | Promise<import('./case.d.mts').Loop>} LoopOver */

/**
 * One subject for each backend that is judged.
 * @param {LoopOver} loopOver
 * @returns {Record<string, import('./case.d.mts').OpenLoop>}
 */
export function forEachBackend(loopOver) {
  return subjects(open, loopOver);
}

/**
 * One subject for every backend, and for both kinds of pages that napi has. A backend that can't do what the case does
 * throws, and the error is the result.
 * @param {LoopOver} loopOver
 * @returns {Record<string, import('./case.d.mts').OpenLoop>}
 */
export function forEveryBackend(loopOver) {
  return subjects({ ...open, ...openFurther }, loopOver);
}

/**
 * The backend of a subject, for what is measured elsewhere than in a loop.
 * @param {string} subject
 */
export function openBackend(subject) {
  const openOne =
    /** @type {Record<string, () => Promise<import('@securemem/core/contract').MemoryBackend>>} */ ({
      ...open,
      ...openFurther,
    })[subject];
  if (openOne === undefined) throw new Error(`no backend is called ${subject}`);
  return openOne();
}

/**
 * @param {Record<string, () => Promise<import('@securemem/core/contract').MemoryBackend>>} backends
 * @param {LoopOver} loopOver
 * @returns {Record<string, import('./case.d.mts').OpenLoop>}
 */
function subjects(backends, loopOver) {
  return Object.fromEntries(
    Object.entries(backends).map(([subject, openOne]) => {
      return [subject, async () => loopOver(await openOne())];
    }),
  );
}

/**
 * The same target for each backend: at most so many times a reference.
 * @param {(subject: string) => import('./case.d.mts').Term[]} atMost
 * @returns {import('./case.d.mts').Target[]}
 */
export function forEachSubject(atMost) {
  return backendSubjects.map((subject) => ({ subject, atMost: atMost(subject) }));
}
