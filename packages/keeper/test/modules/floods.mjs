// A compromised keeper: it speaks the protocol without its rules. FLOOD says how.
import { writeSync } from 'node:fs';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const { FLOOD } = process.env;
const HOST_CALL = 8;
const HOST_REPLY_RECEIVED = 11;

function frames(...parts) {
  const bytes = new Uint8Array(16 * parts.length);
  const view = new DataView(bytes.buffer);
  for (const [n, [kind, id]] of parts.entries()) {
    bytes[16 * n + 4] = kind;
    view.setUint32(16 * n + 8, 1, true);
    view.setUint32(16 * n + 12, id, true);
  }
  return bytes;
}

/** All of it, though the pipe may be full: the other side reads. */
function send(bytes) {
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += writeSync(3, bytes, sent);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

const floods = {
  // The answer is confirmed before there is one.
  unanswered: () => {
    for (let id = 1; ; id++) send(frames([HOST_CALL, id], [HOST_REPLY_RECEIVED, id]));
  },
  // One call more than there may be.
  unconfirmed: () => {
    for (let id = 1; ; id++) send(frames([HOST_CALL, id]));
  },
  // Answers are confirmed that were written but cannot have been read, since nothing is read here.
  unread: () => {
    for (let id = 1; ; id++) {
      send(frames([HOST_CALL, id]));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
      send(frames([HOST_REPLY_RECEIVED, id]));
    }
  },
};

export default defineKeeper({
  backend: () => nolockBackend(),
  operations: { flood: () => floods[FLOOD]() },
});
