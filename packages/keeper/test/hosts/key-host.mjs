// node key-host.mjs <descriptor|secret|payload|plant> <key file>: a host whose keeper has the key, in one of four ways.
// It prints its keeper's process id and an HMAC, and lives until its standard input ends.
import { openSync, readSync } from 'node:fs';
import { openKeeper } from '@securemem/keeper';

const [, , way, keyFile] = process.argv;
const module = new URL('../modules/keyholder.mjs', import.meta.url);
const keyDescriptor = openSync(keyFile, 'r');
const copies = [];

function readKey() {
  const key = new Uint8Array(new ArrayBuffer(32));
  readSync(keyDescriptor, key, 0, 32, 0);
  return key;
}

const sent = way === 'secret' || way === 'payload';
const keeper = await openKeeper({ module, descriptors: sent ? [] : [keyDescriptor] });
if (way === 'secret') await keeper.call('take', readKey(), { secret: true });
if (way === 'payload') await keeper.call('takeCarelessly', readKey());
if (way === 'plant') copies.push(readKey());

// Without a payload, so that it overwrites nothing of what may have been left where the key came in.
const mac = await keeper.call('mac');
console.log(`${keeper.stats().pid} ${Buffer.from(mac).toString('hex')}`);

process.stdin.resume();
process.stdin.on('end', () => keeper.close());
