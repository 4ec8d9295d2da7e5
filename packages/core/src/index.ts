export * from './contract/index.js';
export * from './policy/crash-policy.js';
