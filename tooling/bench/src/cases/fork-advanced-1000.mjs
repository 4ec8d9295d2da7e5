import { openForkChannel } from '../fork-channel.mjs';
import { inFlight } from '../in-flight.mjs';

const width = 1000;
const payload = new Uint8Array(new ArrayBuffer(32));

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'fork-advanced-1000',
  what: '32 bytes over the channel of child_process.fork and back, 1,000 messages in flight',
  subjects: {
    'node-fork': () => {
      const channel = openForkChannel();
      return {
        countUnit: width,
        async run(count) {
          await inFlight(count, width, () => channel.call(payload));
        },
        close: channel.close,
      };
    },
  },
  targets: [],
};
