// Prints what every descriptor of its keeper leads to. Whoever starts it may leave it some.
import { openKeeper } from '@securemem/keeper';

const keeper = await openKeeper({ module: new URL('../modules/probe.mjs', import.meta.url) });
console.log(new TextDecoder().decode(await keeper.call('descriptors')));
await keeper.close();
