import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

export default defineKeeper({
  backend: () => nolockBackend(),
  operations: { echo: (payload) => payload },
});
