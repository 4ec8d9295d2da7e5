import { join } from 'node:path';
import { fetchRuntime, NODE_WITH_FFI } from '@securemem/launch/runtime';
import { repetitions } from '@securemem/proof';

/** The releases of Node that are promised, at the versions of the table of runtimes. */
const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: NODE_WITH_FFI } as const;

/** A release of Node. */
export type Release = keyof typeof VERSIONS;

/** On which every way in and out is measured. */
export const RELEASES = [20, 24, 26] as const satisfies readonly Release[];

/** Of these the ones that a usual run measures; a full run measures all. */
export const MEASURED = RELEASES.slice(0, repetitions(RELEASES.length));

/** All but the one that runs this. */
export const OTHERS = ([20, 22, 24, 26] as const satisfies readonly Release[]).filter(
  (release) => !process.version.startsWith(`v${release}.`),
);

/** The program of a release, which is fetched once; or why there is none. */
export function nodeOf(release: Release): { program: string } | { missing: string } {
  const target = `${process.platform}-${process.arch}`;
  const spec = `node-${target}@${VERSIONS[release]}`;
  try {
    return { program: join(fetchRuntime(spec), 'bin', 'node') };
  } catch (error) {
    const reason = String(error).trim().split('\n').at(-1);
    return { missing: `Node ${VERSIONS[release]} cannot be fetched: ${reason}` };
  }
}
