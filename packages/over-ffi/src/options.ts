import { ownOptions } from '@securemem/core/contract';

/** What a backend over an FFI takes. */
export interface FfiBackendOptions {
  /**
   * Whether regions are memfd_secret pages, which not even root reads through `/proc/<pid>/mem`. `off` uses mlock. `prefer`
   * takes them where the kernel gives them (Linux 5.14 and later, unless it is switched off) and the machine is not set up
   * to hibernate, which they forbid while they are mapped. `require` opens with nothing else. They cost about 35
   * microseconds per page when a region is mapped, and nothing afterwards. Default: `off`.
   */
  readonly kernelHidden?: 'off' | 'prefer' | 'require';

  /**
   * `none` gives out no views: bytes go in and out by copies. For programs that rather pay for copies than have a pointer
   * into locked memory reachable from JavaScript. Default: `revocable`, where the runtime allows it.
   */
  readonly views?: 'revocable' | 'none';
}

/** What the options may be. */
const CHOICES = [
  ['kernelHidden', ['off', 'prefer', 'require']],
  ['views', ['revocable', 'none']],
] as const;

/** The options as their caller wrote them, checked. Throws TypeError for what is unknown. */
export function takeOptions(
  given: FfiBackendOptions | undefined,
  factoryName: string,
): FfiBackendOptions {
  const names = CHOICES.map(([name]) => name);
  const own = ownOptions(given, names, `the options of ${factoryName}()`);
  for (const [name, choices] of CHOICES) {
    const value: string | undefined = own[name];
    if (value !== undefined && !(choices as readonly string[]).includes(value)) {
      throw new TypeError(`${name} must be one of ${choices.join(', ')}`);
    }
  }
  return own;
}
