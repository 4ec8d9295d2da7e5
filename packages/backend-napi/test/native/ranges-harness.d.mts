export function buildRangesHarness(
  name: string,
  flags: readonly string[],
): { path: string } | { reason: string };
export function buildGateHarness(
  name: string,
  flags: readonly string[],
): { path: string } | { reason: string };
