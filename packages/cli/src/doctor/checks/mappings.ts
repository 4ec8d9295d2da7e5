import { remedies } from '@securemem/core';
import type { Facts } from '../facts.js';
import type { Finding } from '../finding.js';
import { count } from '../words.js';

/** What Linux has given since 2.4; less was set by somebody. */
const USUAL_MAX = 65_530;
/** The native backends leave these to the engine, which aborts when it finds none. */
const RESERVE = 128;
/** A guarded region takes three. */
const EACH = 3;

/** The number of mappings, which is what page-per-secret designs run out of first. */
export function checkMappings({ mappings }: Facts): Finding | undefined {
  const { inUse, max } = mappings;
  if (inUse === 'unknown' || max === 'unknown') return undefined;
  const regions = Math.max(0, Math.floor((max - inUse - RESERVE) / EACH));
  const says = `${count(inUse)} of ${count(max)} mappings are in use: room for ${count(regions)} guarded regions`;
  if (regions === 0) {
    return { id: 'mappings', level: 'blocked', says, remedies: [remedies.MAP_LIMIT_REMEDY] };
  }
  if (max < USUAL_MAX) {
    return { id: 'mappings', level: 'weak', says, remedies: [remedies.MAP_LIMIT_REMEDY] };
  }
  return { id: 'mappings', level: 'good', says, remedies: [] };
}
