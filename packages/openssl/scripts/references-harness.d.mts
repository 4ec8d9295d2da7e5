export const WATCHING: readonly string[];
export function buildReferencesHarness(
  name: string,
  flags: readonly string[],
): { path: string } | { reason: string };
