/**
 * What `hardenProcess` reports: `node [OPTION…] report.mjs BACKEND CASE`. Cases: `plain`; `opens`, a program that opens its
 * debugger itself; `forgets`, one that takes NODE_OPTIONS out of its environment first; `worker`, one that calls it from a
 * worker thread.
 */
import inspector from 'node:inspector';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import * as koffi from '@securemem/koffi';
import * as napi from '@securemem/napi';

const [backendName = '', which = ''] = process.argv.slice(2);
const { hardenProcess } = backendName === 'koffi' ? koffi : napi;

if (which === 'worker' && isMainThread) {
  const worker = new Worker(new URL(import.meta.url), { argv: [backendName, which] });
  worker.once('message', (report) => process.stdout.write(JSON.stringify(report)));
} else {
  if (which === 'opens') inspector.open(0);
  if (which === 'forgets') delete process.env['NODE_OPTIONS'];
  const report = hardenProcess();
  if (isMainThread) process.stdout.write(JSON.stringify(report), () => process.exit(0));
  else parentPort?.postMessage(report);
}
