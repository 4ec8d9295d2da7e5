export { Factory } from './factory.mjs';
export { kernelOf } from './kernels.mjs';
export { missingHere } from './needs.mjs';
export { SCENARIOS } from './scenarios/index.mjs';
