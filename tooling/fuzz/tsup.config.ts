import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/channel/{host,keeper,greeting}.ts'],
  format: 'esm',
  target: 'node20',
  // Parts of the keeper that its package does not export; tsconfig.json says where they lie.
  noExternal: [/^@securemem\/keeper\/src\//],
});
