import type { Allocator, Secret } from '@securemem/core';
import type { Marker } from './memory-scan.mjs';

/** One row of the table of copies. */
export interface CopyCase {
  readonly name: string;
  /** Of the marker, in bytes. Default 32. */
  readonly byteLength?: number;
  /** The encoding in which the marker goes in: its text must not be left either. */
  readonly text?: 'hex' | 'base64';
  /** Makes the secret that holds the marker. Default: `adopt`. */
  readonly into?: (memory: Allocator, marker: Marker) => Promise<Secret>;
  /** Other forms in which a library keeps what the secret holds, beside its bytes backwards: each is counted as a copy. */
  readonly forms?: (secret: Secret) => readonly Marker[];
  /** The marker is whatever the secret holds. */
  readonly own?: boolean;
  /** Consumes the secret. Its result is held while the scan runs. */
  readonly use?: (secret: Secret, beside: { other: Secret }) => unknown;
}

export interface CopyCount {
  readonly group: string;
  readonly name: string;
  /** Copies outside the page while the secret lives. */
  readonly held: number;
  /** Copies anywhere once it is disposed. */
  readonly after: number;
}

/** Runs every case in this process, one after the other. */
export function measureCopies(memory: Allocator): Promise<CopyCount[]>;

/** How many copies are left of input that was refused, by what was wrong with it. */
export function measureRefusals(memory: Allocator): Promise<Record<string, number>>;
