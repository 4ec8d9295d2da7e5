import { defineConfig } from 'tsup';

export default defineConfig({
  entry: {
    host: 'src/channel/host.ts',
    keeper: 'src/channel/keeper.ts',
    greeting: 'src/channel/greeting.ts',
    json: 'src/document/json.ts',
    keys: 'src/keys/keys.ts',
  },
  format: 'esm',
  target: 'node20',
  // Parts that their packages do not export; tsconfig.json says where they lie.
  noExternal: [/^@securemem\/(core|keeper)\/src\//],
});
