import { openForkChannel } from '../fork-channel.mjs';

const payload = new Uint8Array(new ArrayBuffer(32));

/** @type {import('../case.d.mts').Case} */
export default {
  name: 'fork-advanced',
  what: '32 bytes over the channel of child_process.fork and back, one message at a time',
  subjects: {
    'node-fork': () => {
      const channel = openForkChannel();
      return {
        async run(count) {
          for (let n = 0; n < count; n += 1) await channel.call(payload);
        },
        close: channel.close,
      };
    },
  },
  targets: [],
};
