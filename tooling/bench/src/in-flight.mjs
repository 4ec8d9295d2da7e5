/**
 * Performs `count` calls with `width` of them in flight all the time: each lane makes its next call when its last one
 * was answered. `count` is a multiple of `width`.
 * @param {number} count @param {number} width @param {() => Promise<unknown>} call
 */
export async function inFlight(count, width, call) {
  const perLane = count / width;
  const lane = async () => {
    for (let n = 0; n < perLane; n += 1) await call();
  };
  await Promise.all(Array.from({ length: width }, lane));
}
