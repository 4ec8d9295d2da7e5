import { demand, demandZeros } from './demands.mjs';

/** What is exact at every moment, in a subscriber too. */
export function checkCounts({ memory, recorder }) {
  const { secrets, admission, primary } = memory.stats();
  const { pooled, own } = primary.routes;
  demand(secrets >= 0 && admission.waiting >= 0, 'less than nothing is counted');
  demand(pooled.secrets + own.secrets === secrets, 'the routes do not add up');
  demand(primary.mappedByteLength === recorder.mappedByteLength, 'mapped bytes');
}

/** Everything that can be compared, is. */
export function check(world) {
  const { memory, live, orphans } = world;
  const stats = memory.stats();
  const lent = new Set(orphans.filter(({ counted }) => counted).map(({ place }) => place)).size;
  const leases = live.reduce((sum, known) => sum + known.leases.length, orphans.length);
  const { pooled, own } = stats.primary.routes;
  const byteLength = live.reduce((sum, known) => sum + known.content.length, 0);
  demand(
    stats.secrets === live.length + lent,
    `${stats.secrets} secrets, ${live.length} + ${lent}`,
  );
  checkCounts(world);
  if (lent === 0) demand(pooled.byteLength + own.byteLength === byteLength, 'bytes of content');
  demand(stats.openAccesses === leases, `${stats.openAccesses} accesses, ${leases} leases`);
  demand(stats.admission.waiting === world.waiting.size, 'waiting requests');
  checkQuarantine(world, stats.quarantine);
  demand(
    world.stale.every((bytes) => bytes.length === 0),
    'a closed view shows something',
  );
  checkContents(world);
}

/** A slot stays out of use while a view or a lease shows it; after that it is free when somebody looks for room. */
function checkQuarantine({ cells, aliases }, { slots, damagedSlots }) {
  const shown = cells.filter(({ place, dead }) => !dead || (place.left > 0 && !place.purged));
  demand(slots >= shown.length && slots <= cells.length, 'slots in quarantine');
  demand(damagedSlots >= 0, 'fewer than no damaged slots');
  for (const bytes of aliases) demandZeros(bytes, 'what nobody could take back shows a secret');
}

function checkContents({ live, recorder }) {
  const images = new Map();
  for (const { at, content, secret } of live) {
    demand(secret.byteLength === content.length, 'a secret has another length');
    let image = images.get(at.region);
    if (image === undefined) {
      image = recorder.peek(at.region);
      images.set(at.region, image);
    }
    const bytes = image.subarray(at.byteOffset, at.byteOffset + at.byteLength);
    demand(Buffer.compare(bytes, content) === 0, 'the page does not hold what it should');
  }
}
