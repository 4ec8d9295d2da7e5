/** The functions that the bench compares with; the package has no types of its own. */
declare module 'sodium-native' {
  const sodium: {
    sodium_malloc(byteLength: number): Buffer;
    sodium_free(buffer: Buffer): void;
    sodium_mprotect_noaccess(buffer: Buffer): void;
    sodium_mprotect_readonly(buffer: Buffer): void;
    sodium_mprotect_readwrite(buffer: Buffer): void;
    sodium_memcmp(left: Buffer, right: Buffer): boolean;
  };
  export default sodium;
}
