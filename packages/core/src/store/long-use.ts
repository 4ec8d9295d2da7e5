import { performance } from 'node:perf_hooks';
import type { Places } from '../places/places.js';

/**
 * Publishes `long-use`, once, when a use of these names goes on for half of the time that a request may wait, or longer, while
 * somebody waits for a place. What it returns ends the watch.
 */
export function watchUse(places: Places, names: readonly string[]): () => void {
  const since = performance.now();
  const look = (): void => {
    const { waiting } = places.admission;
    if (waiting === 0) return;
    clearInterval(timer);
    const heldMs = Math.round(performance.now() - since);
    places.telemetry.emit('long-use', { names, heldMs, waiting });
  };
  const timer = setInterval(look, Math.max(1, places.options.waitMsMax / 2));
  timer.unref();
  return () => clearInterval(timer);
}
