// A host in a control group with little memory: prints the ends of a keeper that somebody kills and of one that eats up the memory.
import { byCategory, halt, terminate } from '@securemem/core';
import { openKeeper } from '@securemem/keeper';

const module = new URL('../modules/subject.mjs', import.meta.url);
const ends = [];
for (const operation of ['hold', 'devour']) {
  const crashPolicy = byCategory({ resource: terminate(), default: halt() });
  const keeper = await openKeeper({ module, crashPolicy });
  const crash = new Promise((resolve) => keeper.on('crash', resolve));
  const open = keeper.call(operation).catch(() => {});
  if (operation === 'hold') process.kill(keeper.stats().pid, 'SIGKILL');
  ends.push(await crash);
  await open;
  await keeper.close();
}
console.log(JSON.stringify(ends));
