import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { ownProperties } from '@securemem/core/contract';
import { Unmet } from '../expectation.js';
import { NotProven } from './evidence.js';

/** What a process that does nothing takes on a machine that is slow or busy; usually it is a tenth of that. */
const SLOW_MS = 500;

/**
 * Why something was ended that took longer than anybody expected. A process that does nothing is the control: where that one
 * is slow too, the machine is slow and nothing is proven; where it is not, the backend hangs.
 */
export async function outOfTime(what: string, limitMs: number): Promise<Error> {
  const startedAt = performance.now();
  await new Promise((resolve) => {
    const options = ownProperties({ stdio: 'ignore' as const }, 'options');
    const control = spawn(process.execPath, ['--eval', ''], options);
    control.once('error', resolve).once('close', resolve);
  });
  const controlMs = performance.now() - startedAt;
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const seen =
    `${what} took longer than ${limitMs / 1000} s and was ended ` +
    `(load average ${load}; a process that does nothing takes ${controlMs.toFixed(0)} ms)`;
  return controlMs > SLOW_MS
    ? new NotProven(`this machine is slow or busy: ${seen}`)
    : new Unmet(`${seen}; it hangs, or takes far more time than its work`);
}
