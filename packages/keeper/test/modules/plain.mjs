import { defineKeeper } from '@securemem/keeper';
import { hardenProcess, koffiBackend } from '@securemem/koffi';
export default defineKeeper({
  backend: koffiBackend,
  harden: hardenProcess,
  operations: {
    echo: (p) => p,
    async callback(p, { host }) {
      return host.call('twice', p);
    },
    secretLen(p, { secret }) {
      const r = new Uint8Array([
        secret.byteLength & 255,
        secret.read((b) => b.reduce((x, y) => (x + y) & 255, 0)),
      ]);
      secret.dispose();
      return r;
    },
    fail() {
      throw Object.assign(new RangeError('no'), { code: 'E_X' });
    },
  },
});
