/** The functions of the addon as they are: see `binding.ts` of @securemem/napi, which wraps them. */
export interface RawAddon {
  readonly pageByteLength: number;
  readonly lastView: Uint32Array;
  readonly numbers: Float64Array;
  readonly revokedNotes: Uint8Array;
  open(kind: unknown): number;
  close(owner: unknown): number;
  abilities(owner: unknown, target: unknown): number;
  map(owner: unknown, byteLength: unknown): number;
  protect(owner: unknown, region: unknown, level: unknown): number;
  wipe(owner: unknown, region: unknown, byteOffset: unknown, byteLength: unknown): number;
  read(owner: unknown, region: unknown, byteOffset: unknown, target: unknown): number;
  write(owner: unknown, region: unknown, byteOffset: unknown, source: unknown): number;
  openView(): ArrayBuffer | number;
  revokedView(number: unknown, serial: unknown): void;
  escapedView(number: unknown, serial: unknown): void;
  aliasAlive(number: unknown, serial: unknown): number;
  inspect(owner: unknown, regions: unknown, target: unknown): number;
  unmap(owner: unknown, region: unknown): number;
  seal(...args: readonly unknown[]): number;
  unseal(...args: readonly unknown[]): number;
  sign(...args: readonly unknown[]): number;
  publicKey(...args: readonly unknown[]): number;
  agree(...args: readonly unknown[]): number;
  signLater(...args: readonly unknown[]): Promise<Uint8Array | number> | number;
  revokeSignature(ticket: unknown): number;
  lockNumbers(target: unknown): number;
  mappings(target: unknown): number;
  limit(which: unknown, words: unknown): number;
  failure(target: unknown): string | undefined;
}
