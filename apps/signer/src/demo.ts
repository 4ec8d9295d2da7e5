import { parseArgs } from 'node:util';
import { startDemo } from './demo/demo.js';
import { selfCheck } from './demo/self-check.js';

const USAGE = `npm run demo [-- OPTION…]

Starts the signing service on a throw-away database and master key, confined to 64 KiB of locked memory where the system
lets it, and prints the address of its dashboard.

  --once      check the service from the outside, and end
  --port N    port of the dashboard (a free one)
  --help`;

/** Exit codes: 0 after an orderly end, 1 when something failed, 2 for a bad option. */
async function main(): Promise<number> {
  const options = {
    once: { type: 'boolean' },
    port: { type: 'string' },
    help: { type: 'boolean' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    values = parseArgs({ options }).values;
    if (!/^\d{1,5}$/.test(values.port ?? '0')) throw new Error('--port must be a number');
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message.split(/[.\n]/)[0]}\n`);
    return 2;
  }
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  process.stderr.write('starting the signing service on throw-away files…\n');
  const demo = await startDemo(Number(values.port ?? '0'));
  try {
    if (values.once) return (await selfCheck(demo)) ? 0 : 1;
    console.log(`\nDashboard: ${demo.dashboardUrl}\n`);
    console.log(
      `The part after # is a token that lets your browser sign; it ends with this program.`,
    );
    console.log(demo.confinement);
    console.log('Press Ctrl+C to stop.');
    return await demo.ended;
  } finally {
    await demo.stop();
  }
}

process.exitCode = await main();
