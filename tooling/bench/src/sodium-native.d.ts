/** The two functions that the bench compares with; the package has no types of its own. */
declare module 'sodium-native' {
  const sodium: {
    sodium_malloc(byteLength: number): Buffer;
    sodium_free(buffer: Buffer): void;
  };
  export default sodium;
}
