import { openKeeper } from '@securemem/keeper';

const modules = {
  'securemem-koffi': new URL('./children/keeper-koffi.mjs', import.meta.url),
  'securemem-napi': new URL('./children/keeper-napi.mjs', import.meta.url),
};

/**
 * One subject for each backend, with a keeper that runs on it.
 * @param {(keeper: import('@securemem/keeper').Keeper) => import('./case.d.mts').Loop} loopOver
 * @returns {Record<string, import('./case.d.mts').OpenLoop>}
 */
export function forEachKeeper(loopOver) {
  return Object.fromEntries(
    Object.entries(modules).map(([subject, module]) => [
      subject,
      async () => {
        const keeper = await openKeeper({ module });
        return { ...loopOver(keeper), close: () => keeper.close() };
      },
    ]),
  );
}
