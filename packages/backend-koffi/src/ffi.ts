import { createRequire } from 'node:module';

export type Koffi = typeof import('koffi');

/**
 * Loads koffi. It happens when a backend is opened or probed, never when this package is imported: loading a native addon
 * changes the process, and under Node's permission model it throws (`ERR_DLOPEN_DISABLED`).
 */
export function loadKoffi(): Koffi {
  return createRequire(import.meta.url)('koffi') as Koffi;
}
