import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** Calls `fn` at the first message of a channel, or at each until it returns `false`. */
export function onMessage(name: string, fn: (message: unknown) => unknown): void {
  const listener = (message: unknown): void => {
    if (fn(message) === false) unsubscribe(name, listener);
  };
  subscribe(name, listener);
  onTestFinished(() => void unsubscribe(name, listener));
}

/** The same at the first message alone. What `fn` causes finds nobody listening. */
export function onFirst(name: string, fn: (message: unknown) => void): void {
  let told = false;
  onMessage(name, (message) => {
    if (told) return;
    told = true;
    fn(message);
  });
}

/** What subscribers throw: Node gives it to the process a tick later, which is taken in place of the test runner. */
export function thrownBySubscribers(): unknown[] {
  const thrown: unknown[] = [];
  const others = process.listeners('uncaughtException');
  const take = (error: unknown): void => void thrown.push(error);
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', take);
  onTestFinished(() => {
    process.off('uncaughtException', take);
    for (const other of others) process.on('uncaughtException', other);
  });
  return thrown;
}
