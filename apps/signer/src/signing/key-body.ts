import type { Readable } from 'node:stream';
import type { Secret } from '@securemem/core';
import { zero } from '@securemem/core/contract';
import { VaultError } from './vault.js';

/**
 * Moves exactly as many bytes as `key` has from a stream into it, zeroing each chunk as it is read. `VAULT_BAD_KEY` when
 * there are fewer or more; the rest of the stream is not read then.
 */
export async function readKeyBody(body: Readable, key: Secret): Promise<void> {
  let filled = 0;
  for await (const chunk of chunksOf(body)) {
    try {
      if (filled + chunk.length > key.byteLength) throw badLength(key.byteLength);
      key.write((bytes) => bytes.set(chunk, filled));
      filled += chunk.length;
    } finally {
      zero(chunk);
    }
  }
  if (filled !== key.byteLength) throw badLength(key.byteLength);
}

/** Leaves the stream open when its reader stops early: its answer goes over the same connection. */
export function chunksOf(body: Readable): AsyncIterable<Uint8Array> {
  return body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}

function badLength(byteLength: number): VaultError {
  return new VaultError('VAULT_BAD_KEY', `a key is ${byteLength} bytes, no more and no fewer`);
}
