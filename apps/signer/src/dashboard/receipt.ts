import { byId, make } from './page.js';
import type { Receipt } from './sample.js';

/** Every protection and every weakness, in words. */
export function receiptInWords(receipt: Receipt): readonly string[] {
  const { backend, weaknesses } = receipt;
  return [
    `It lives on the backend ${backend}.`,
    receipt.locked ? 'Its page is locked: it is never swapped to disk.' : 'Its page is NOT locked.',
    receipt.guarded
      ? 'Guard pages stand before and after its region: a touch of them kills the process.'
      : 'No guard pages stand around it.',
    receipt.dumpExcluded ? 'It is left out of core files.' : 'It would be in a core file.',
    receipt.forkSafe ? 'A forked child does not get it.' : 'A forked child would inherit it.',
    receipt.kernelHidden
      ? 'Not even the kernel has a mapping of it: root cannot read it through /proc.'
      : 'Root could read it through the kernel.',
    receipt.access === 'view'
      ? 'Code sees it through a view that is taken back afterwards.'
      : 'Code gets a copy that is wiped afterwards.',
    ...weaknesses
      .filter(
        ({ field }) =>
          !['locked', 'guarded', 'dumpExcluded', 'forkSafe', 'kernelHidden', 'access'].includes(
            field,
          ),
      )
      .map(({ field, reason }) => `${field}: ${reason}.`),
  ];
}

let shown = '';

export function showReceipt(receipt: Receipt | undefined): void {
  if (receipt === undefined) return;
  const lines = receiptInWords(receipt);
  const key = lines.join('\n');
  if (key === shown) return;
  shown = key;
  byId('receipt').replaceChildren(...lines.map((line) => make('li', line)));
}
