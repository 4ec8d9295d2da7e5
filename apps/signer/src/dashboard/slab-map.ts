import { byId, make } from './page.js';
import { type Figures, kib } from './sample.js';

const CLASSES = 4;

/** Draws which pages hold slots of which size, and how full each slab is. */
export function drawSlabMap(figures: Figures | undefined): void {
  const slabs = figures?.slabs ?? [];
  const own = figures?.ownRegions ?? 0;
  byId('map-empty').hidden = slabs.length + own > 0;
  const page = figures?.pageByteLength ?? 4_096;
  const sizes = [...new Set(slabs.map(({ slotByteLength }) => slotByteLength))].sort(
    (a, b) => a - b,
  );
  const classOf = (slotByteLength: number): string => `${sizes.indexOf(slotByteLength) % CLASSES}`;
  const cells = slabs.flatMap(({ byteLength, slotByteLength }) =>
    Array.from({ length: byteLength / page }, () =>
      make('span', '', {
        'data-class': classOf(slotByteLength),
        title: `slots of ${slotByteLength} bytes`,
      }),
    ),
  );
  for (let region = 0; region < own; region++) {
    cells.push(make('span', '', { 'data-class': 'own', title: 'a secret with a page of its own' }));
  }
  const pagesMax = Math.min(256, Math.floor((figures?.limitByteLength ?? 0) / page));
  while (cells.length < pagesMax) cells.push(make('span', '', { title: 'not mapped' }));
  byId('map-pages').replaceChildren(...cells);
  byId('map-slabs').replaceChildren(
    ...slabs.map(({ byteLength, slotByteLength, slots, live, quarantined }) => {
      const item = make('li');
      const lost = quarantined > 0 ? `, ${quarantined} out of use` : '';
      item.append(
        make('span', '', { class: 'swatch', 'data-class': classOf(slotByteLength) }),
        make(
          'span',
          `${kib(byteLength)} of ${slotByteLength}-byte slots: ${live} of ${slots} used${lost}`,
        ),
        make('meter', `${live} of ${slots}`, { min: '0', max: `${slots}`, value: `${live}` }),
      );
      return item;
    }),
  );
}
