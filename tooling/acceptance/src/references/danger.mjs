/**
 * The danger of a second provider of standard keys: that OpenSSL answers a request for ordinary keys with it. Here it does, again and
 * again, and the ordinary keys work all the same. One line of JSON at the end.
 */
import { openEveryType } from './every-type.mjs';
import { crowdFetches, FAMILIES, forgetFetches, servedBy } from './fetches.mjs';

const rounds = Number(process.argv[2] ?? 3);
const { memory, use } = await openEveryType();
const { ordinaryFailures } = await import('./ordinary.mjs');

/** @type {Record<string, { served: Record<string, number>, failures: string[] }>} */
const seen = {};
/** @param {string} name @param {() => void} before */
async function round(name, before) {
  seen[name] ??= { served: {}, failures: [] };
  const note = seen[name];
  before();
  const isRight = use();
  for (const family of FAMILIES) {
    const by = servedBy(family).replace(/-.*/, '');
    note.served[by] = (note.served[by] ?? 0) + 1;
  }
  if (!isRight()) note.failures.push('a use of a reference');
  note.failures.push(...(await ordinaryFailures()));
}

for (let i = 0; i < rounds; i++) {
  await round('as it comes', () => {});
  await round('after a flush', forgetFetches);
  await round('in a crowd', () => crowdFetches(600));
  await round('in a crowd, after a flush', () => {
    forgetFetches();
    crowdFetches(150);
  });
}
await memory.close();
const after = await ordinaryFailures();
console.log(JSON.stringify({ seen, after }));
