// Offers `take` until the file FORGET is there, as a module does that was replaced between two lives.
import { existsSync } from 'node:fs';
import { defineKeeper } from '@securemem/keeper';
import { nolockBackend } from '@securemem/nolock';

const operations = {
  echo: (payload) => payload,
  take: (_payload, { secret }) => secret?.dispose(),
};
if (existsSync(process.env.FORGET)) delete operations.take;

export default defineKeeper({ backend: () => nolockBackend(), operations });
