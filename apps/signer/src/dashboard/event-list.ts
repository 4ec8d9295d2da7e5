import { byId, make } from './page.js';
import type { LogEntry } from './sample.js';

const ENTRIES_MAX = 100;
const seen = new Set<number>();

/** Adds an event on top, once: a connection that was lost repeats some. */
export function showEvent({ id, at, kind, text }: LogEntry): void {
  if (seen.has(id)) return;
  seen.add(id);
  const list = byId('log');
  list.querySelector('.empty')?.remove();
  const item = make('li', '', { 'data-kind': kind });
  item.append(make('time', new Date(at).toLocaleTimeString('en-GB'), { datetime: at }), ` ${text}`);
  list.prepend(item);
  while (list.children.length > ENTRIES_MAX) list.lastElementChild?.remove();
}
