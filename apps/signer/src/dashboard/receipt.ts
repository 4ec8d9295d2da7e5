import { byId, make } from './page.js';
import type { Receipt } from './sample.js';

/** A protection that a secret has, or one that it lacks. */
interface Line {
  readonly good: boolean;
  readonly text: string;
}

type Field = 'locked' | 'guarded' | 'dumpExcluded' | 'forkSafe' | 'kernelHidden';

const PROTECTIONS: readonly (readonly [Field, has: string, lacks: string])[] = [
  ['locked', 'Locked: it is never swapped to disk.', 'Not locked: it may be swapped to disk.'],
  [
    'guarded',
    'Guard pages around it: a touch of them kills the process.',
    'No guard pages around it.',
  ],
  ['dumpExcluded', 'Left out of core files.', 'It would be in a core file.'],
  ['forkSafe', 'A forked child does not get it.', 'A forked child would inherit it.'],
  [
    'kernelHidden',
    'Hidden from the kernel: root cannot read it through /proc.',
    'Root can read it through the kernel.',
  ],
];

/** Weaknesses beyond those, in words; the service's own reason is in the tooltip. */
const WEAKNESSES: Readonly<Record<string, string>> = {
  fallback: 'There was no place on the first backend.',
  guards: 'Secrets that share a page have no guard page between them, but a canary each.',
  atRest: 'Its page stays readable while nobody uses it.',
  noAccessAtRest: 'Its page stays readable while nobody uses it.',
  access: 'Code gets a copy, which is wiped afterwards.',
  threadExit: 'A thread that is ended from outside does not wipe it.',
  cipher: 'Sealing passes through a copy, which is wiped afterwards.',
};

/** Protections first, then weaknesses, each with its sign. */
export function receiptInWords(receipt: Receipt): readonly (Line & { readonly reason: string })[] {
  const reasons = new Map(receipt.weaknesses.map(({ field, reason }) => [field, reason]));
  const lines = PROTECTIONS.map(([field, has, lacks]) => {
    const good = receipt[field];
    return { good, text: good ? has : lacks, reason: reasons.get(field) ?? '' };
  });
  if (receipt.access === 'view') {
    lines.push({
      good: true,
      text: 'Code sees it through a view that is taken back afterwards.',
      reason: '',
    });
  }
  const told = new Set(lines.map(({ text }) => text));
  for (const { field, reason } of receipt.weaknesses) {
    if (PROTECTIONS.some(([known]) => known === field)) continue;
    const text = WEAKNESSES[field] ?? `${reason[0]?.toUpperCase()}${reason.slice(1)}.`;
    if (!told.has(text)) lines.push({ good: false, text, reason });
    told.add(text);
  }
  return lines.sort((a, b) => Number(b.good) - Number(a.good));
}

let shown = '';

export function showReceipt(receipt: Receipt | undefined): void {
  if (receipt === undefined) return;
  const key = JSON.stringify(receipt);
  if (key === shown) return;
  shown = key;
  byId('receipt').replaceChildren(
    ...receiptInWords(receipt).map(({ good, text, reason }) => {
      const item = make('li', '', {
        'data-good': `${good}`,
        ...(reason !== '' && { title: reason }),
      });
      item.append(make('b', good ? '✓' : '!', { 'aria-hidden': 'true' }));
      item.append(make('span', good ? 'Protected: ' : 'Weakness: ', { class: 'for-readers' }));
      item.append(make('span', text));
      return item;
    }),
  );
}
