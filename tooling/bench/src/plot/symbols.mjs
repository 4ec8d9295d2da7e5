import { lookOf } from './subjects.mjs';

/** The marks of subjects, as ECharts names or draws them. */
const symbols = {
  disc: { symbol: 'circle', symbolSize: 8 },
  ring: { symbol: 'emptyCircle', symbolSize: 11 },
  square: { symbol: 'rect', symbolSize: 8 },
  diamond: { symbol: 'diamond', symbolSize: 11 },
  triangle: { symbol: 'triangle', symbolSize: 10 },
  down: { symbol: 'triangle', symbolSize: 10, symbolRotate: 180 },
  plus: { symbol: 'path://M4 0H6V4H10V6H6V10H4V6H0V4H4Z', symbolSize: 10 },
};

/** @param {string} subject */
export function symbolOf(subject) {
  return symbols[lookOf(subject).mark];
}

/** Where something failed. */
export const cross = {
  symbol: 'path://M4 0H6V4H10V6H6V10H4V6H0V4H4Z',
  symbolRotate: 45,
  symbolSize: 14,
};
