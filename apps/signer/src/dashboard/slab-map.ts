import { byId, make } from './page.js';
import type { Figures, Slab } from './sample.js';

const CLASSES = 4;
const PAGES_MAX = 64;

/** Draws the pages that may be locked: which hold slots of which size, how full they are, and which are free. */
export function drawSlabMap(figures: Figures | undefined): void {
  const slabs = figures?.slabs ?? [];
  const own = figures?.ownRegions ?? 0;
  const page = figures?.pageByteLength ?? 4_096;
  const sizes = [...new Set(slabs.map((slab) => slab.slotByteLength))].sort((a, b) => a - b);
  const classOf = (slot: number): string => `${sizes.indexOf(slot) % CLASSES}`;
  const cells = slabs.flatMap((slab) => pagesOf(slab, page, classOf(slab.slotByteLength)));
  for (let region = 0; region < own; region++) {
    cells.push(make('span', '', { 'data-class': 'own', title: 'a secret with a page of its own' }));
  }
  const pages = Math.min(PAGES_MAX, Math.floor((figures?.limitByteLength ?? 0) / page));
  while (cells.length < pages)
    cells.push(make('span', '', { title: 'a page that may still be locked' }));
  byId('map-pages').replaceChildren(...cells);
  byId('map-legend').replaceChildren(...legend(slabs, sizes, classOf, own, figures));
}

/** A page of a slab, filled as far as its bytes are in use. */
function pagesOf(slab: Slab, page: number, kind: string): HTMLElement[] {
  const { byteLength, slotByteLength, slots, live, freeByteLength } = slab;
  const title =
    slotByteLength === 0
      ? `secrets of any length: ${live}, and ${freeByteLength} bytes free`
      : `slots of ${slotByteLength} bytes: ${live} of ${slots} in use`;
  const used = slotByteLength === 0 ? 1 - freeByteLength / byteLength : live / slots;
  return Array.from({ length: byteLength / page }, () => {
    const cell = make('span', '', { 'data-class': kind, title });
    const fill = make('i');
    fill.style.height = `${100 * used}%`;
    cell.append(fill);
    return cell;
  });
}

function legend(
  slabs: readonly Slab[],
  sizes: readonly number[],
  classOf: (slot: number) => string,
  own: number,
  figures: Figures | undefined,
): HTMLElement[] {
  if (figures === undefined) return [make('li', 'No process has keys now: nothing is locked.')];
  const entry = (kind: string, text: string): HTMLElement => {
    const item = make('li');
    item.append(make('span', '', { class: 'swatch', 'data-class': kind }), make('span', text));
    return item;
  };
  const entries = sizes.map((size) => {
    const same = slabs.filter(({ slotByteLength }) => slotByteLength === size);
    const live = same.reduce((sum, slab) => sum + slab.live, 0);
    const all = same.reduce((sum, slab) => sum + slab.slots, 0);
    const text =
      size === 0
        ? `pages of any length: ${live} secrets`
        : `${size}-byte slots: ${live} of ${all} in use`;
    return entry(classOf(size), text);
  });
  if (own > 0) entries.push(entry('own', `${own} with a page of their own`));
  return [...entries, entry('free', 'free')];
}
