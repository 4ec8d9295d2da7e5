// Opens a keeper in a process whose Object.prototype has every name of the list on standard input, each with every value
// in turn, and prints what the keeper got. With "control" the options are read through the prototype, as a careless
// program would: that shows that the pollution reaches them.
import { readFileSync } from 'node:fs';
import { openKeeper } from '@securemem/keeper';

const module = new URL('../modules/probe.mjs', import.meta.url);
const { names, value } = JSON.parse(readFileSync(0, 'utf8'));
const control = process.argv[2] === 'control';
for (const name of names) {
  Object.defineProperty(Object.prototype, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
const options = { module };
const env = control ? { env: Object.fromEntries(Object.entries(options.env ?? {})) } : {};
const keeper = await openKeeper({ ...options, ...env });
const echoed = await keeper.call('echo', new Uint8Array([7]), { idempotent: true });
const secret = new Uint8Array(new ArrayBuffer(4)).fill(9);
const length = await keeper.call('secretLength', secret, {
  secret: true,
  signal: new AbortController().signal,
});
const seen = new TextDecoder().decode(await keeper.call('environment'));
const { state } = keeper.stats();
for (const name of names) delete Object.prototype[name];
await keeper.close();
console.log(
  JSON.stringify([[...echoed], new TextDecoder().decode(length), state, JSON.parse(seen)]),
);
