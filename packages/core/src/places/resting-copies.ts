import { MessageChannel } from 'node:worker_threads';

type Transfer = (buffer: ArrayBuffer) => ArrayBuffer;
/** Taken at import; absent before Node 22. */
const transfer: Transfer | undefined = (ArrayBuffer.prototype as { transfer?: unknown }).transfer
  ? (Function.prototype.call.bind(
      (ArrayBuffer.prototype as unknown as { transfer: () => void }).transfer,
    ) as Transfer)
  : undefined;
/** Absent where a test environment with a DOM took it away; a port takes a buffer just as well. */
const clone = typeof structuredClone === 'function' ? structuredClone : takenByPort;

const RESTING_COUNT = 8;
/** In bytes. A larger copy is not worth the memory: most allocators give such a block back to the system at once. */
const RESTING_BYTE_LENGTH = 65_536;

/** The memory of copies that were lent last, the oldest first. */
const resting: ArrayBuffer[] = [];

/**
 * Makes every typed array over a wiped copy zero bytes long, and keeps its memory for a while. Whoever still has a raw pointer
 * into it (`fs.write`, `randomFill`) finds zeros there; freed at once, it would be the memory of the copy that is lent next.
 */
export function restCopy(buffer: ArrayBuffer): void {
  const rests = buffer.byteLength <= RESTING_BYTE_LENGTH;
  try {
    const kept = transfer === undefined ? clone(buffer, { transfer: [buffer] }) : transfer(buffer);
    if (rests && kept !== undefined) resting.push(kept as ArrayBuffer);
  } catch {
    // Somebody marked it untransferable. It is wiped, and shows nothing but zeros.
    return;
  }
  if (resting.length > RESTING_COUNT) resting.shift();
}

/** What is posted is detached here; nobody reads the other end, which frees it. */
function takenByPort(
  buffer: ArrayBuffer,
  { transfer: taken }: { transfer: ArrayBuffer[] },
): undefined {
  const { port1 } = new MessageChannel();
  port1.postMessage(buffer, taken);
  port1.close();
}
