import { defineKeeper } from '@securemem/keeper';
import { koffiBackend } from '@securemem/koffi';
import { keeperOf } from './keeper-definition.mjs';

export default defineKeeper(keeperOf(koffiBackend));
