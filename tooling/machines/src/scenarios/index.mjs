import { coreFiles } from './core-files.mjs';
import { hibernation } from './hibernation.mjs';
import { kernels } from './kernels.mjs';
import { limits } from './limits.mjs';
import { memoryKiller } from './memory-killer.mjs';
import { swap } from './swap.mjs';

/** In the order of their ids. */
export const SCENARIOS = [swap, coreFiles, memoryKiller, kernels, hibernation, limits];
