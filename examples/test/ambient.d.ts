/**
 * Names that pages take for granted, such as the message of a request. A block that uses one is compiled and not run.
 */
import type { Allocator, Secret } from '@securemem/core';

declare global {
  const memory: Allocator;
  const key: Secret;
  const message: Uint8Array;
  const body: Uint8Array;
  const signal: AbortSignal;
  const digest: Uint8Array;
  const path: string;
  const sign: { (...things: unknown[]): void; async(...things: unknown[]): Promise<void> };
  const report: (...facts: unknown[]) => void;
}
