/**
 * Closes the debugger of this process and throws where one is open. Older runtimes listen to SIGUSR1 from their first
 * moment, long before any statement of ours could: whoever sent it then has a port, through which every secret can be
 * read that comes later. The runtime opens it in a turn of its own, so one turn is waited for.
 */
export async function requireNoDebugger(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (!process.features.inspector) return;
  const { close, url } = await import('node:inspector');
  if (url() === undefined) return;
  close();
  throw new Error('a debugger was opened in the keeper while it started');
}
