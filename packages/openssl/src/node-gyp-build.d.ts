declare module 'node-gyp-build' {
  /** Loads the best binary below `directory`: `build/Release` first, then `prebuilds/<platform>-<arch>`. */
  export default function load(directory: string): unknown;
}
