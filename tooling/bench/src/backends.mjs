/** The backends to measure. Each is imported only in the process of its own subject. */
const open = {
  'securemem-koffi': async () => (await import('@securemem/koffi')).koffiBackend(),
  'securemem-napi': async () => (await import('@securemem/napi')).napiBackend(),
};

/** The subjects whose operation backends are judged by, in the order of the table. */
export const backendSubjects = Object.keys(open);

/**
 * One subject for each backend.
 * @param {(backend: import('@securemem/core/contract').MemoryBackend) => import('./case.d.mts').Loop | Promise<import('./case.d.mts').Loop>} loopOver
 * @returns {Record<string, import('./case.d.mts').OpenLoop>}
 */
export function forEachBackend(loopOver) {
  return Object.fromEntries(
    Object.entries(open).map(([subject, openBackend]) => {
      return [subject, async () => loopOver(await openBackend())];
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
