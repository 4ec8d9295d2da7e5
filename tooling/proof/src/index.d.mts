/** Environment variable that tells the workers of a full run from those of a usual one. */
export const fullRunVariable: 'SECUREMEM_PROOF';

/** How often a test repeats what it shows: `full` times under `npm run test:full`, a tenth of it (rounded up)
 *  otherwise. The requirements state full counts, and ask for a tenth of them at least. */
export function repetitions(full: number): number;
