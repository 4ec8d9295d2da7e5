import type { BackendCapabilities, Protection } from '@securemem/core/contract';

/** The levels that close a region, strongest first, as far as the backend offers them. */
export function levelsOf({
  protection,
}: Pick<BackendCapabilities, 'protection'>): readonly Protection[] {
  if (protection === 'none') return [];
  return protection === 'no-access' ? ['no-access', 'read-only'] : ['read-only'];
}
