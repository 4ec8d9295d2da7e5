import { isShortage } from '../limits/shortage.js';
import type { Region } from '../placement/region.js';
import type { Places } from '../places/places.js';
import { refusal } from '../requests/refusal.js';
import { KeyPage } from './key-page.js';
import type { KeyPages } from './key-pages.js';
import { KeyShares } from './key-shares.js';

/** Maps pages in the form that the options and the backend give, or throws a capacity error with nothing changed. */
export function mapKeyPages(places: Places, operation: string): KeyPages {
  const { primary, sealingKeyForm } = places;
  const byteLength = primary.backend.pageByteLength;
  const count = sealingKeyForm === 'one-page' ? 1 : 2;
  const found = places.orGiveUp(() => primary.reserve(byteLength, count, sealingKeyForm));
  if (isShortage(found)) {
    throw refusal(places, primary, found, new Array(count).fill(byteLength), operation);
  }
  const [first, second] = found as [Region, Region | undefined];
  return second === undefined ? new KeyPage(first) : new KeyShares(first, second, sealingKeyForm);
}
