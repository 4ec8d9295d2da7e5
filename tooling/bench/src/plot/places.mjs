/**
 * Finds places for words in a picture, beside what they are about and away from everything else.
 *
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Box
 */

/** Directions from the point, nearest first: half a step across leaves the point near an edge of the words. */
const directions = [
  [1, 0],
  [-1, 0],
  [0, -1],
  [0, 1],
  [0.5, -1],
  [-0.5, -1],
  [0.5, 1],
  [-0.5, 1],
  [1, -1],
  [1, 1],
  [-1, -1],
  [-1, 1],
];
/** How far, in pixels. */
const distances = [12, 22, 36, 54, 76, 102, 130, 160];
/** From here on a line leads from the point to its words. */
const leaderFrom = 20;

/**
 * @typedef {object} Place
 * @property {Box} box
 * @property {{ x: number, y: number } | undefined} leader where a line from the point ends; none when they are near
 */

/**
 * Places for all, in their order: of every order in which they can be placed, the one that gets in its own way least.
 * @param {readonly { point: { x: number, y: number }, size: { width: number, height: number } }[]} all a few
 * @param {Box} inside @param {readonly Box[]} taken
 * @returns {Place[]}
 */
export function placeAll(all, inside, taken) {
  /** @type {{ places: Place[], cost: number }} */
  let best = { places: [], cost: Number.POSITIVE_INFINITY };
  for (const order of orders(all.map((_, i) => i))) {
    /** @type {Place[]} */
    const places = [];
    const words = [];
    const lines = [];
    let sum = 0;
    for (const i of order) {
      const each = all[i];
      if (each === undefined) continue;
      const { place, cost } = placeBeside(
        each.point,
        each.size,
        inside,
        [...taken, ...lines],
        words,
      );
      places[i] = place;
      words.push(place.box);
      if (place.leader !== undefined) lines.push(...boxesAlong([each.point, place.leader]));
      sum += cost;
    }
    if (sum < best.cost) best = { places, cost: sum };
  }
  return best.places;
}

/** Every order, or the given one where there are too many. @param {number[]} items @returns {number[][]} */
function orders(items) {
  if (items.length < 2 || items.length > 5) return [items];
  return items.flatMap((first) =>
    orders(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}

/**
 * @param {{ x: number, y: number }} point @param {{ width: number, height: number }} size
 * @param {Box} inside @param {readonly Box[]} taken @param {readonly Box[]} words that no line may cross
 * @returns {{ place: Place, cost: number }}
 */
export function placeBeside(point, size, inside, taken, words = []) {
  let best = { place: placeAt(point, size, [1, 0], 12), cost: Number.POSITIVE_INFINITY };
  for (const distance of distances) {
    for (const direction of directions) {
      const place = placeAt(point, size, direction, distance);
      const covered = shared(place.box, taken) + shared(place.box, words);
      const outside = size.width * size.height - overlap(place.box, inside);
      const line = place.leader === undefined ? [] : boxesAlong([point, place.leader]);
      const crossed = line.reduce((sum, each) => sum + shared(each, words), 0);
      const cost = covered * 10 + outside * 100 + crossed * 20 + distance;
      if (cost < best.cost) best = { place, cost };
    }
  }
  return best;
}

/** @param {Box} box @param {readonly Box[]} others */
function shared(box, others) {
  return others.reduce((sum, each) => sum + overlap(box, each), 0);
}

/**
 * @param {{ x: number, y: number }} point @param {{ width: number, height: number }} size
 * @param {readonly number[]} direction @param {number} distance
 * @returns {Place}
 */
function placeAt({ x, y }, { width, height }, [across = 0, down = 0], distance) {
  const lefts = new Map([
    [1, x + distance],
    [0.5, x - width * 0.08],
    [0, x - width / 2],
    [-0.5, x - width * 0.92],
    [-1, x - distance - width],
  ]);
  const left = lefts.get(across) ?? x;
  const top = down === 0 ? y - height / 2 : down > 0 ? y + distance : y - distance - height;
  const box = { left, top, right: left + width, bottom: top + height };
  const near = {
    x: Math.min(Math.max(x, box.left), box.right),
    y: Math.min(Math.max(y, box.top), box.bottom),
  };
  return { box, leader: Math.hypot(near.x - x, near.y - y) > leaderFrom ? near : undefined };
}

/** The area that two boxes share. @param {Box} one @param {Box} other */
export function overlap(one, other) {
  const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
  const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
  return width > 0 && height > 0 ? width * height : 0;
}

/**
 * Small boxes along a line, so that words keep off it.
 * @param {readonly { x: number, y: number }[]} points
 * @returns {Box[]}
 */
export function boxesAlong(points) {
  const step = 6;
  return points.slice(1).flatMap((to, i) => {
    const from = points[i] ?? to;
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const count = Math.max(1, Math.ceil(length / step));
    return Array.from({ length: count + 1 }, (_, n) =>
      boxAround(
        {
          x: from.x + ((to.x - from.x) * n) / count,
          y: from.y + ((to.y - from.y) * n) / count,
        },
        3,
      ),
    );
  });
}

/** @param {{ x: number, y: number }} point @param {number} radius @returns {Box} */
export function boxAround({ x, y }, radius) {
  return { left: x - radius, top: y - radius, right: x + radius, bottom: y + radius };
}
