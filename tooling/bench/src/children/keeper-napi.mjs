import { defineKeeper } from '@securemem/keeper';
import { napiBackend } from '@securemem/napi';
import { keeperOf } from './keeper-definition.mjs';

export default defineKeeper(keeperOf(napiBackend));
