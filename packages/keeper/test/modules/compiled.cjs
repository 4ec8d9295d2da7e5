// What a compiler makes of `export default defineKeeper(…)` when it is told to write CommonJS.
'use strict';
Object.defineProperty(exports, '__esModule', { value: true });
const { defineKeeper } = require('@securemem/keeper');
const { nolockBackend } = require('@securemem/nolock');

exports.default = defineKeeper({
  backend: () => nolockBackend(),
  operations: { echo: (payload) => payload },
});
