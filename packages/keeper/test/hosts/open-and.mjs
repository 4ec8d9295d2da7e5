// A host that opens a keeper, prints its process id, and then: node open-and.mjs <idle|hold|spin|exit|close>.
import { openKeeper } from '@securemem/keeper';

const keeper = await openKeeper({ module: new URL('../modules/subject.mjs', import.meta.url) });
const then = process.argv[2];
const child = Buffer.from(await keeper.call('leaveChild')).toString();
if (then !== 'idle') keeper.call('hold').catch(() => {});
if (then === 'spin') await keeper.call('spinSoon');
if (then === 'close') {
  const other = await openKeeper({ module: new URL('../modules/subject.mjs', import.meta.url) });
  await other.call('echo');
  const { pid } = other.stats();
  await Promise.all([other.close(), keeper.kill()]);
  console.log(pid, child);
} else {
  console.log(keeper.stats().pid, child);
}
if (then === 'exit') process.exit(5);
