import { byId, setText } from './page.js';
import type { ComparisonAnswer, Told } from './sentences.js';

let toldAt = 0;

/** Tells what came of a button, where everybody looks at it: it is scrolled into view with its button. */
export function tell(
  { happened, usual }: Told,
  failed: boolean,
  comparison?: ComparisonAnswer,
): void {
  toldAt = Date.now();
  const outcome = byId('outcome');
  outcome.toggleAttribute('data-failed', failed);
  byId('hero').hidden = comparison === undefined;
  if (comparison !== undefined) drawHero(comparison);
  byId('outcome-happened').textContent = happened;
  byId('outcome-usual').textContent = usual;
  outcome.dataset['told'] = `${Number(outcome.dataset['told'] ?? 0) + 1}`;
  age();
  bringIntoView();
}

/** Another step: what happened in the one before stays to be read, with its age. */
export function age(): void {
  if (toldAt === 0) return;
  const seconds = Math.round((Date.now() - toldAt) / 1_000);
  const text =
    seconds < 5
      ? 'just now'
      : seconds < 90
        ? `${seconds} s ago`
        : `${Math.round(seconds / 60)} min ago`;
  setText('outcome-age', text);
}

function bringIntoView(): void {
  const stage = byId('stage').getBoundingClientRect();
  const outcome = byId('outcome').getBoundingClientRect();
  if (stage.top >= 0 && outcome.bottom <= innerHeight) return;
  const behavior = matchMedia('(prefers-reduced-motion: reduce)').matches ? 'instant' : 'smooth';
  // The button is above its outcome: from the top of the stage both are seen.
  byId('stage').scrollIntoView({ block: 'start', behavior });
}

/** Two bars of one length: how many of the same requests each design served. */
function drawHero({ page, pooled }: ComparisonAnswer): void {
  for (const [side, { succeeded, requests }] of Object.entries({ page, pooled })) {
    const bar = document.querySelector<HTMLElement>(`.bar[data-side=${side}]`);
    const fill = bar?.querySelector<HTMLElement>('em');
    const count = bar?.querySelector('.count');
    if (fill) fill.style.width = `${(100 * succeeded) / requests}%`;
    if (count) count.textContent = `${succeeded} of ${requests}`;
  }
  const label = `A page for each secret signed ${page.succeeded} of ${page.requests}, pooled ${pooled.succeeded} of ${pooled.requests}`;
  byId('hero').setAttribute('aria-label', label);
}
