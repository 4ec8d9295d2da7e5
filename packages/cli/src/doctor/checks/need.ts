import { remedies } from '@securemem/core';
import type { Facts } from '../facts.js';
import type { Finding } from '../finding.js';
import type { Need } from '../need.js';
import { lockedByteLengthFor, roomOf } from '../room.js';
import { count } from '../words.js';
import { raiseLines } from './lock-limit.js';

/** Whether as many secrets fit as were asked for. Nothing is said when nothing was asked. */
export function checkNeed(facts: Facts, need: Need): Finding | undefined {
  const { secrets, byteLength, sealed } = need;
  if (secrets === undefined) return undefined;
  const id = 'need';
  const what = `${count(secrets)} secrets of ${count(byteLength)} bytes`;
  const rooms = roomOf(facts, byteLength);
  const most = Math.max(0, ...rooms.map((room) => (sealed ? room.sealed : room.secrets)));
  const how = sealed ? 'sealed in a store' : 'in locked memory';
  if (most >= secrets) {
    return { id, level: 'good', says: `${what} fit ${how}`, remedies: [] };
  }
  if (rooms.length === 0) {
    const says = `${what} do not fit ${how}: no backend locks here`;
    return { id, level: 'blocked', says, remedies: [] };
  }
  if (sealed && rooms.some(({ openAtOnce }) => openAtOnce > 0)) {
    const says = `${what} do not fit ${how}: ordinary memory holds about ${count(most)}`;
    return { id, level: 'blocked', says, remedies: [remedies.OUT_OF_MEMORY_REMEDY] };
  }
  const wanted = lockedByteLengthFor(facts, need) as number;
  const lines = raiseLines(facts, facts.lock.hard, wanted);
  if (!sealed && rooms.some((room) => room.sealed >= secrets)) {
    lines.push('or keep them in memory.store(): sealed, they fit');
  }
  const says = `${what} do not fit ${how}: ${count(most)} fit, ${count(wanted)} locked bytes are needed`;
  return { id, level: 'blocked', says, remedies: lines };
}
