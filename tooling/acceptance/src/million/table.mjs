/** What each figure is, in the order of the table. */
const rows = /** @type {const} */ ([
  ['secrets', 'secrets live at the same time'],
  ['byteLengthEach', 'bytes of each'],
  ['lockedByteLength', 'bytes locked with all of them there'],
  ['lockedByteLengthPerSecret', 'of these for each secret'],
  ['peakLockedByteLength', 'most bytes locked at any sample'],
  ['mapsAdded', 'mappings added at the most, release included'],
  ['firstSliceNs', 'ns of processor time for each of the first tenth, median'],
  ['lastSliceNs', 'ns of processor time for each of the last tenth, median'],
  ['heapByteLengthPerSecret', 'bytes of JavaScript heap for each'],
  ['ordinaryByteLengthPerSecret', 'bytes of ordinary memory for each, beyond the names'],
  ['verified', 'secrets that held what was written'],
  ['opened', 'random secrets opened by 50 users at once'],
  ['openedCorrectly', 'of these with the right bytes'],
  ['coldOpenNsMedian', 'ns to open, use and close one, median'],
  ['lockedByteLengthAfter', 'bytes locked after close()'],
]);

/** @param {Record<string, unknown>} result */
export function table(result) {
  const shown = rows.filter(([name]) => name in result);
  const width = Math.max(...shown.map(([, what]) => what.length));
  const lines = shown.map(([name, what]) => {
    const value = Number(result[name]);
    return `${what.padEnd(width)}  ${value.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(14)}`;
  });
  return `${lines.join('\n')}\n`;
}
